using System.Reflection;
using System.Runtime.CompilerServices;
using BenchmarkDotNet.Attributes;
using Sluice.Protocol;

namespace Sluice.Micro;

/// <summary>Masking against a copy of the same bytes, the plain loop of RFC 6455 §5.3 and .NET's own.</summary>
/// <remarks>
/// Every call takes the next payload of a row of them, each at an address as after a six-byte frame header. On one
/// and the same payload a short call would wait for the stores of the call before it, which no connection does.
/// </remarks>
[MemoryDiagnoser]
public class MaskingBenchmark
{
    private const uint Key = 0x3D21FA37;
    private const int RowBytes = 16 * 1024;
    private const int Header = 6;

    private delegate int ApplyMask(Span<byte> payload, int key, int offset);

    // It is private there; a delegate's call costs about a nanosecond.
    private static readonly ApplyMask BuiltInMask = Type
        .GetType("System.Net.WebSockets.ManagedWebSocket, System.Net.WebSockets", throwOnError: true)!
        .GetMethod("ApplyMask", BindingFlags.Static | BindingFlags.NonPublic, [typeof(Span<byte>), typeof(int), typeof(int)])!
        .CreateDelegate<ApplyMask>();

    private byte[] _source = [];
    private byte[] _destination = [];
    private int _stride;
    private int _lastInRow;
    private int _next;

    [Params(16, 64, 1024, 65536)]
    public int Length { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _stride = (Length + Header + 63) / 64 * 64;
        var row = Math.Max(1, RowBytes / _stride);
        _lastInRow = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)row) - 1;
        _source = new byte[_stride * (_lastInRow + 1)];
        _destination = new byte[_source.Length];
        new Random(1).NextBytes(_source);
    }

    [Benchmark(Baseline = true)]
    public void CopyTo()
    {
        var at = Next();
        _source.AsSpan(at, Length).CopyTo(_destination.AsSpan(at, Length));
    }

    [Benchmark]
    public int Copying()
    {
        var at = Next();
        return Masking.Apply(_source.AsSpan(at, Length), _destination.AsSpan(at, Length), Key, 0);
    }

    [Benchmark]
    public int InPlace() => Masking.Apply(_destination.AsSpan(Next(), Length), Key, 0);

    [Benchmark]
    public void ByteLoop()
    {
        var payload = _destination.AsSpan(Next(), Length);
        for (var i = 0; i < payload.Length; i++) payload[i] ^= (byte)(Key >> (8 * (i & 3)));
    }

    /// <summary>What the base class library's own WebSocket masks with.</summary>
    [Benchmark]
    public int BuiltIn() => BuiltInMask(_destination.AsSpan(Next(), Length), (int)Key, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Next() => (_next++ & _lastInRow) * _stride + Header;
}

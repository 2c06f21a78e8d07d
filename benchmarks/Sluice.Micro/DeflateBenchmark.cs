using System.IO.Compression;
using System.Text;
using BenchmarkDotNet.Attributes;
using Sluice.Compression;

namespace Sluice.Micro;

/// <summary>One message compressed and inflated, against the base class library's <see cref="DeflateStream"/> on the same zlib.</summary>
/// <remarks>The stream gives no way to begin a message anew: without context it is a new one for each message.</remarks>
[MemoryDiagnoser]
public class DeflateBenchmark : IDisposable
{
    private readonly Deflater _context = new(new(15, 6, 8));
    private readonly Deflater _forgetting = new(new(15, 6, 8));
    private readonly Deflater _default = new(CompressionOptions.Default.DeflaterFor(15));
    private readonly Inflater _inflater = new();
    private readonly MemoryStream _target = new();
    private readonly DeflateStream _stream;
    private readonly byte[] _room = new byte[128 * 1024];
    private byte[] _message = [];
    private byte[] _deflated = [];

    public DeflateBenchmark() => _stream = new DeflateStream(_target, CompressionLevel.Optimal, leaveOpen: true);

    [Params(1024, 65536)]
    public int Length { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        var text = new StringBuilder();
        while (text.Length < Length)
        {
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"{{\"symbol\":\"SYM{random.Next(500)}\",\"price\":{random.Next(100000)},\"volume\":{random.Next(100000)}}},");
        }
        _message = Encoding.UTF8.GetBytes(text.ToString())[..Length];
        _deflated = new byte[Deflate(_forgetting, forget: true)];
        _room.AsSpan(0, _deflated.Length).CopyTo(_deflated);
    }

    [Benchmark(Baseline = true)]
    public long StreamKept()
    {
        _target.Position = 0;
        _stream.Write(_message);
        _stream.Flush();
        return _target.Position;
    }

    [Benchmark]
    public long StreamNew()
    {
        _target.Position = 0;
        using var stream = new DeflateStream(_target, CompressionLevel.Optimal, leaveOpen: true);
        stream.Write(_message);
        stream.Flush();
        return _target.Position;
    }

    [Benchmark]
    public int WithContext() => Deflate(_context, forget: false);

    [Benchmark]
    public int WithoutContext() => Deflate(_forgetting, forget: true);

    [Benchmark]
    public int WithContextByDefault() => Deflate(_default, forget: false);

    [Benchmark]
    public int Inflate()
    {
        _inflater.BeginMessage();
        ReadOnlySpan<byte> input = _deflated;
        _inflater.Inflate(ref input, _room, out var written);
        _inflater.Finish(_room.AsSpan(written), out var rest);
        return written + rest;
    }

    [Benchmark]
    public int StreamInflate()
    {
        using var stream = new DeflateStream(new MemoryStream(_deflated), CompressionMode.Decompress);
        return stream.ReadAtLeast(_room, Length);
    }

    public void Dispose()
    {
        _context.Dispose();
        _forgetting.Dispose();
        _default.Dispose();
        _inflater.Dispose();
        _stream.Dispose();
        _target.Dispose();
        GC.SuppressFinalize(this);
    }

    private int Deflate(Deflater deflater, bool forget)
    {
        ReadOnlySpan<byte> message = _message;
        deflater.Deflate(ref message, _room, forget, out var written);
        return written - 4;
    }
}

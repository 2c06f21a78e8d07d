using BenchmarkDotNet.Attributes;
using Sluice.Protocol;

namespace Sluice.Micro;

/// <summary>Reading and writing the header of a frame (RFC 6455 §5.2), of a client's and of a server's.</summary>
[MemoryDiagnoser]
public class FrameHeaderBenchmark
{
    private readonly byte[] _written = new byte[FrameHeader.MaxSize];
    private byte[] _bytes = [];
    private FrameHeader _header;

    [Params(64, 1024, 65536)]
    public int Length { get; set; }

    [Params(false, true)]
    public bool Masked { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _header = new FrameHeader(Opcode.Binary, Length, maskingKey: Masked ? 0x3D21FA37 : null);
        _bytes = new byte[FrameHeader.MaxSize];
        _header.Write(_bytes);
    }

    [Benchmark]
    public long Parse() => FrameHeader.TryParse(_bytes, out var header, out _) ? header.PayloadLength : -1;

    [Benchmark]
    public int Write() => _header.Write(_written);
}

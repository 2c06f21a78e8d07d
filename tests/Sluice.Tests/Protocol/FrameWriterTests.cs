using System.Buffers;
using Sluice.Protocol;

namespace Sluice.Tests.Protocol;

public class FrameWriterTests
{
    // RFC 6455 §5.7
    [Theory]
    [InlineData("81 05 48656C6C6F", Opcode.Text, "Hello", true, false)]
    [InlineData("81 85 37FA213D 7F9F4D5158", Opcode.Text, "Hello", true, true)]
    [InlineData("01 03 48656C", Opcode.Text, "Hel", false, false)]
    [InlineData("80 02 6C6F", Opcode.Continuation, "lo", true, false)]
    [InlineData("89 05 48656C6C6F", Opcode.Ping, "Hello", true, false)]
    [InlineData("8A 85 37FA213D 7F9F4D5158", Opcode.Pong, "Hello", true, true)]
    public void Section_5_7_the_examples_are_written_byte_by_byte(string hex, Opcode opcode, string text, bool fin, bool masked)
    {
        var output = new ArrayBufferWriter<byte>();
        FrameWriter.Write(output, opcode, System.Text.Encoding.UTF8.GetBytes(text), masked ? BitConverter.ToUInt32(Wire.Key) : null, fin);
        output.WrittenSpan.ToArray().ShouldBe(Wire.Hex(hex));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(125)]
    [InlineData(126)]
    [InlineData(1023)]
    [InlineData(1024)]
    [InlineData(1025)]
    [InlineData(65535)]
    [InlineData(65536)]
    [InlineData(200_003)]
    public void Any_size_is_written_the_same_into_any_buffers(int size)
    {
        var payload = new byte[size];
        new Random(size).NextBytes(payload);
        foreach (var masked in new[] { false, true })
        {
            foreach (var chunk in new[] { 14, 1000, 4099, 1 << 20 })
            {
                var output = new StingyWriter(chunk);
                FrameWriter.Write(output, Opcode.Binary, payload, masked ? BitConverter.ToUInt32(Wire.Key) : null);
                output.Written.ShouldBe(Wire.Frame(0x82, payload, masked));
            }
        }
    }

    // Gives no more room than it must.
    private sealed class StingyWriter(int chunk) : IBufferWriter<byte>
    {
        private readonly List<byte> _bytes = [];
        private byte[] _lent = [];

        public byte[] Written => [.. _bytes];

        public void Advance(int count) => _bytes.AddRange(_lent.Take(count));

        public Memory<byte> GetMemory(int sizeHint = 0) => _lent = new byte[Math.Max(chunk, sizeHint)];

        public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;
    }
}

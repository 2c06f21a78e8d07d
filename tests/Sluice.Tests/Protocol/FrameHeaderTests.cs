using Sluice.Protocol;

namespace Sluice.Tests.Protocol;

public class FrameHeaderTests
{
    // RFC 6455 §5.7's examples, and every border of the three length forms (§5.2).
    public static TheoryData<string, Opcode, bool, long, bool> Headers => new()
    {
        { "81 05", Opcode.Text, true, 5, false },
        { "81 85 37FA213D", Opcode.Text, true, 5, true },
        { "01 03", Opcode.Text, false, 3, false },
        { "80 02", Opcode.Continuation, true, 2, false },
        { "89 05", Opcode.Ping, true, 5, false },
        { "8A 85 37FA213D", Opcode.Pong, true, 5, true },
        { "88 00", Opcode.Close, true, 0, false },
        { "82 00", Opcode.Binary, true, 0, false },
        { "82 7D", Opcode.Binary, true, 125, false },
        { "82 7E 007E", Opcode.Binary, true, 126, false },
        { "82 7E 0100", Opcode.Binary, true, 256, false },
        { "82 7E FFFF", Opcode.Binary, true, 65535, false },
        { "82 7F 0000000000010000", Opcode.Binary, true, 65536, false },
        { "82 FF 0000000000010000 37FA213D", Opcode.Binary, true, 65536, true },
        { "82 7F 7FFFFFFFFFFFFFFF", Opcode.Binary, true, long.MaxValue, false },
    };

    [Theory]
    [MemberData(nameof(Headers))]
    public void Section_5_2_a_header_is_read_from_its_bytes(string hex, Opcode opcode, bool fin, long length, bool masked)
    {
        var bytes = Wire.Hex(hex);
        FrameHeader.TryParse([.. bytes, 0xAA, 0xBB], out var header, out var consumed).ShouldBeTrue();
        consumed.ShouldBe(bytes.Length);
        header.Opcode.ShouldBe(opcode);
        header.Fin.ShouldBe(fin);
        header.PayloadLength.ShouldBe(length);
        header.Masked.ShouldBe(masked);
        header.Reserved.ShouldBe(ReservedBits.None);
        header.Size.ShouldBe(bytes.Length);
        header.IsControl.ShouldBe((int)opcode >= 8);
        if (masked) BitConverter.GetBytes(header.MaskingKey).ShouldBe(Wire.Key);
    }

    [Theory]
    [MemberData(nameof(Headers))]
    public void Section_5_2_a_header_is_written_to_the_same_bytes(string hex, Opcode opcode, bool fin, long length, bool masked)
    {
        var bytes = Wire.Hex(hex);
        var header = new FrameHeader(opcode, length, fin, maskingKey: masked ? BitConverter.ToUInt32(Wire.Key) : null);
        var buffer = new byte[FrameHeader.MaxSize];
        header.Write(buffer).ShouldBe(bytes.Length);
        buffer[..bytes.Length].ShouldBe(bytes);
        Should.Throw<ArgumentException>(() => header.Write(new byte[bytes.Length - 1]));
    }

    [Theory]
    [MemberData(nameof(Headers))]
    public void A_header_that_has_not_come_whole_is_not_read(string hex, Opcode opcode, bool fin, long length, bool masked)
    {
        var bytes = Wire.Hex(hex);
        for (var have = 0; have < bytes.Length; have++)
        {
            FrameHeader.TryParse(bytes.AsSpan(0, have), out _, out var consumed).ShouldBeFalse($"{opcode} {fin} {length} {masked}");
            consumed.ShouldBe(0);
        }
    }

    [Theory]
    [InlineData("C1 00", ReservedBits.Rsv1)]
    [InlineData("A1 00", ReservedBits.Rsv2)]
    [InlineData("91 00", ReservedBits.Rsv3)]
    [InlineData("F1 00", ReservedBits.All)]
    public void Section_5_2_reserved_bits_are_read_and_written(string hex, ReservedBits bits)
    {
        FrameHeader.TryParse(Wire.Hex(hex), out var header, out _).ShouldBeTrue();
        header.Reserved.ShouldBe(bits);
        var buffer = new byte[2];
        new FrameHeader(Opcode.Text, 0, reserved: bits).Write(buffer);
        buffer.ShouldBe(Wire.Hex(hex));
    }

    [Fact]
    public void Section_5_2_a_length_with_bit_63_is_read_as_negative_for_the_rules_to_refuse()
    {
        FrameHeader.TryParse(Wire.Hex("82 7F FFFFFFFFFFFFFFFF"), out var header, out _).ShouldBeTrue();
        header.PayloadLength.ShouldBeLessThan(0);
    }

    [Fact]
    public void A_negative_length_cannot_be_written()
        => Should.Throw<ArgumentOutOfRangeException>(() => new FrameHeader(Opcode.Binary, -1));
}

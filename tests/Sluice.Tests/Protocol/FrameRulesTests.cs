using Sluice.Protocol;

namespace Sluice.Tests.Protocol;

/// <summary>Each rule of RFC 6455 §5 with the exact number of bytes that shows the violation: one fewer does not.</summary>
public class FrameRulesTests
{
    public static TheoryData<string, Role, bool, string, string> Violations => new()
    {
        // header up to and including the byte that is wrong, receiver, inside a message, section, message
        { "C1", Role.Server, false, "§5.2", "reserved bit" },
        { "A1", Role.Server, false, "§5.2", "reserved bit" },
        { "91", Role.Client, false, "§5.2", "reserved bit" },
        { "D1", Role.Server, false, "§5.2", "reserved bit" },
        { "C9", Role.Server, false, "§5.2", "reserved bit" },
        { "83", Role.Server, false, "§5.2", "reserved opcode" },
        { "84", Role.Server, false, "§5.2", "reserved opcode" },
        { "85", Role.Client, false, "§5.2", "reserved opcode" },
        { "86", Role.Server, false, "§5.2", "reserved opcode" },
        { "87", Role.Server, true, "§5.2", "reserved opcode" },
        { "8B", Role.Server, false, "§5.2", "reserved opcode" },
        { "8C", Role.Server, false, "§5.2", "reserved opcode" },
        { "8D", Role.Client, false, "§5.2", "reserved opcode" },
        { "8E", Role.Server, false, "§5.2", "reserved opcode" },
        { "8F", Role.Server, true, "§5.2", "reserved opcode" },
        { "03", Role.Server, false, "§5.2", "reserved opcode" },
        { "80", Role.Server, false, "§5.4", "continuation" },
        { "00", Role.Server, false, "§5.4", "continuation" },
        { "81", Role.Server, true, "§5.4", "new message" },
        { "02", Role.Client, true, "§5.4", "new message" },
        { "88 81", Role.Server, false, "§5.5.1", "one byte" },
        { "88 01", Role.Client, true, "§5.5.1", "one byte" },
        { "08", Role.Server, false, "§5.5", "fragmented" },
        { "09", Role.Server, true, "§5.5", "fragmented" },
        { "0A", Role.Client, false, "§5.5", "fragmented" },
        { "81 05", Role.Server, false, "§5.1", "not masked" },
        { "81 00", Role.Server, false, "§5.1", "not masked" },
        { "81 7E", Role.Server, false, "§5.1", "not masked" },
        { "81 85", Role.Client, false, "§5.1", "masked" },
        { "8A 80", Role.Client, true, "§5.1", "masked" },
        { "89 FE", Role.Server, false, "§5.5", "125" },
        { "88 FF", Role.Server, false, "§5.5", "125" },
        { "8A 7E", Role.Client, false, "§5.5", "125" },
        { "82 FE 00 00", Role.Server, false, "§5.2", "shortest" },
        { "82 FE 00 7D", Role.Server, false, "§5.2", "shortest" },
        { "82 7E 00 7D", Role.Client, false, "§5.2", "shortest" },
        { "82 FF 80", Role.Server, false, "§5.2", "most significant" },
        { "82 7F FF", Role.Client, false, "§5.2", "most significant" },
        { "82 FF 00 00 00 00 00 00", Role.Server, false, "§5.2", "shortest" },
        { "82 7F 00 00 00 00 00 00", Role.Client, false, "§5.2", "shortest" },
    };

    public static TheoryData<string, Role, bool> Allowed => new()
    {
        { "", Role.Server, false },
        { "81", Role.Server, false },
        { "81 80", Role.Server, false },
        { "81 FD", Role.Server, false },
        { "81 7D", Role.Client, false },
        { "01 85", Role.Server, false },
        { "00 85", Role.Server, true },
        { "80 05", Role.Client, true },
        { "88 FD", Role.Server, true },
        { "89 80", Role.Server, true },
        { "8A 7D", Role.Client, false },
        { "82 FE 00 7E", Role.Server, false },
        { "82 FE 00", Role.Server, false },
        { "82 7E FF FF", Role.Client, false },
        { "82 FF 00 00 00 00 00 01", Role.Server, false },
        { "82 FF 00 00 00 00 00 01 00 00", Role.Server, false },
        { "82 7F 7F FF FF FF FF FF FF FF", Role.Client, false },
    };

    [Theory]
    [MemberData(nameof(Violations))]
    public void Section_5_a_violation_is_known_at_the_earliest_byte_and_at_every_later_one(
        string hex, Role receiver, bool inside, string section, string words)
    {
        var bytes = Wire.Hex(hex);
        for (var have = 0; have < bytes.Length; have++)
        {
            FrameRules.Check(bytes.AsSpan(0, have), receiver, inside).ShouldBeNull();
        }
        for (var more = 0; more <= FrameHeader.MaxSize - bytes.Length; more++)
        {
            byte[] longer = [.. bytes, .. Enumerable.Repeat((byte)0xFF, more)];
            var violation = FrameRules.Check(longer, receiver, inside).ShouldNotBeNull();
            violation.CloseCode.ShouldBe(CloseCode.ProtocolError);
            violation.Section.ShouldBe(section);
            violation.Message.ShouldContain(words);
        }
    }

    [Theory]
    [MemberData(nameof(Allowed))]
    public void Section_5_what_is_allowed_passes(string hex, Role receiver, bool inside)
        => FrameRules.Check(Wire.Hex(hex), receiver, inside).ShouldBeNull();

    [Theory]
    [InlineData(0xC1, false, true)] // RFC 7692 §6: RSV1 on a first fragment only
    [InlineData(0x41, false, true)]
    [InlineData(0xC2, false, true)]
    [InlineData(0xC0, true, false)]
    [InlineData(0xC9, false, false)]
    [InlineData(0xE1, false, false)]
    public void Rfc_7692_section_6_a_negotiated_bit_is_allowed_on_first_fragments_alone(int first, bool inside, bool allowed)
        => (FrameRules.Check([(byte)first], Role.Server, inside, ReservedBits.Rsv1) is null).ShouldBe(allowed);

    [Fact]
    public void Every_first_byte_is_judged_as_section_5_says()
    {
        for (var first = 0; first < 256; first++)
        {
            foreach (var inside in new[] { false, true })
            {
                var opcode = first & 15;
                var allowed = (first & 0x70) == 0 && opcode switch
                {
                    0 => inside,
                    1 or 2 => !inside,
                    8 or 9 or 10 => first >= 0x80,
                    _ => false,
                };
                (FrameRules.Check([(byte)first], Role.Server, inside) is null).ShouldBe(allowed, $"{first:X2} {inside}");
            }
        }
    }

    [Fact]
    public void Every_violation_fits_into_a_close_reason()
    {
        var all = typeof(ProtocolViolation).GetFields(System.Reflection.BindingFlags.Static | System.Reflection.BindingFlags.NonPublic)
            .Select(f => f.GetValue(null)).OfType<ProtocolViolation>().ToList();
        all.Count.ShouldBeGreaterThan(10);
        foreach (var violation in all)
        {
            ClosePayload.Fit(violation.Message).ShouldBe(violation.Message);
            violation.CloseCode.MayBeSent().ShouldBeTrue();
            violation.Section.ShouldStartWith("§");
            violation.ToString().ShouldContain(violation.Message);
        }
    }
}

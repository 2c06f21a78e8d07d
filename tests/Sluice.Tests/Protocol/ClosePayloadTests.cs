using Sluice.Protocol;

namespace Sluice.Tests.Protocol;

public class ClosePayloadTests
{
    [Fact]
    public void Section_7_1_5_no_payload_means_1005()
    {
        ClosePayload.TryRead([], out var code, out var reason).ShouldBeNull();
        code.ShouldBe(CloseCode.NoStatusReceived);
        reason.ShouldBe("");
    }

    [Fact]
    public void Section_5_5_1_one_byte_is_no_code()
        => ClosePayload.TryRead([3], out _, out _).ShouldNotBeNull().CloseCode.ShouldBe(CloseCode.ProtocolError);

    [Fact]
    public void Section_7_4_every_code_is_judged_as_the_registry_says()
    {
        for (var code = 0; code <= 65535; code++)
        {
            var allowed = code is >= 1000 and <= 1003 or >= 1007 and <= 1014 or >= 3000 and <= 4999;
            ((CloseCode)code).MayBeSent().ShouldBe(allowed, $"{code}");
            var violation = ClosePayload.TryRead([(byte)(code >> 8), (byte)code], out var read, out _);
            (violation is null).ShouldBe(allowed, $"{code}");
            if (violation is null) ((int)read).ShouldBe(code);
            else violation.CloseCode.ShouldBe(CloseCode.ProtocolError);
        }
    }

    [Fact]
    public void Section_7_4_a_code_that_can_not_become_one_that_may_be_sent_is_known_by_its_first_byte()
    {
        for (var first = 0; first <= 255; first++)
        {
            var possible = Enumerable.Range(0, 256).Any(second => ((CloseCode)((first << 8) | second)).MayBeSent());
            (ClosePayload.CheckBeginning([(byte)first]) is null).ShouldBe(possible, $"{first:x2}");
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("going away")]
    [InlineData("κόσμε")]
    public void Section_5_5_1_code_and_reason_are_read_as_written(string reason)
    {
        var buffer = new byte[125];
        var length = ClosePayload.Write(buffer, CloseCode.GoingAway, reason);
        buffer[..2].ShouldBe([0x03, 0xE9]);
        ClosePayload.TryRead(buffer.AsSpan(0, length), out var code, out var read).ShouldBeNull();
        code.ShouldBe(CloseCode.GoingAway);
        read.ShouldBe(reason);
    }

    [Theory]
    [InlineData("03E8 FF")]
    [InlineData("03E8 CEBAE1BDB9CF83CEBCCEB5EDA080656469746564")]
    [InlineData("03E8 C3")]
    public void Section_8_1_a_reason_that_is_not_UTF8_is_answered_with_1007(string hex)
        => ClosePayload.TryRead(Wire.Hex(hex), out _, out _).ShouldNotBeNull().CloseCode.ShouldBe(CloseCode.InvalidPayloadData);

    [Fact]
    public void A_reason_of_123_bytes_fits_and_one_of_124_does_not()
    {
        var buffer = new byte[125];
        ClosePayload.Write(buffer, CloseCode.NormalClosure, new string('x', 123)).ShouldBe(125);
        Should.Throw<ArgumentException>(() => ClosePayload.Write(buffer, CloseCode.NormalClosure, new string('x', 124)))
            .Message.ShouldContain("123");
        Should.Throw<ArgumentException>(() => ClosePayload.Write(buffer, CloseCode.NormalClosure, new string('é', 62)));
    }

    [Theory]
    [InlineData(1005, "why")]
    [InlineData(1006, "")]
    [InlineData(1015, "")]
    [InlineData(1004, "")]
    [InlineData(999, "")]
    [InlineData(2999, "")]
    [InlineData(5000, "")]
    public void Section_7_4_what_must_not_be_sent_is_refused(int code, string reason)
        => Should.Throw<ArgumentException>(() => ClosePayload.Write(new byte[125], (CloseCode)code, reason));

    [Fact]
    public void Section_8_1_a_reason_that_has_no_UTF8_is_refused()
    {
        var lone = new string('\uD800', 1); // an attribute could not carry it
        Should.Throw<ArgumentException>(() => ClosePayload.Write(new byte[125], CloseCode.NormalClosure, lone)).Message.ShouldContain("surrogate");
    }

    [Fact]
    public void Code_1005_writes_an_empty_payload()
        => ClosePayload.Write([], CloseCode.NoStatusReceived, "").ShouldBe(0);

    [Fact]
    public void A_long_reason_is_cut_between_characters()
    {
        ClosePayload.Fit(new string('é', 100)).ShouldBe(new string('é', 61));
        ClosePayload.Fit("x" + new string('€', 100)).ShouldBe("x" + new string('€', 40));
        ClosePayload.Fit("short").ShouldBe("short");
        ClosePayload.Fit("a\uD800b").ShouldBe("a\uFFFDb");
    }
}

using Sluice.Protocol;

namespace Sluice.Tests.Protocol;

public class FrameWalkerTests
{
    [Fact]
    public void Frames_are_found_however_the_bytes_are_cut()
    {
        foreach (var receiver in new[] { Role.Server, Role.Client })
        {
            for (var seed = 0; seed < 100; seed++)
            {
                var bytes = FrameCorpus.Random(seed, receiver);
                var whole = Walk(bytes, [bytes.Length]);
                foreach (var cuts in FrameCorpus.Cuts(bytes.Length, seed)) Walk(bytes, cuts).ShouldBe(whole, $"seed {seed}");
            }
        }
    }

    [Fact]
    public void What_breaks_rules_is_passed_over_like_anything_else()
    {
        var bytes = Wire.Hex("F3 02 AAAA 82 7E 0001 BB 09 00");
        Walk(bytes, [bytes.Length]).ShouldBe(["3 2", "AAAA", "2 1", "BB", "9 0"]);
    }

    [Fact]
    public void A_length_with_bit_63_cannot_be_walked_over()
    {
        var walker = new FrameWalker();
        walker.Read(Wire.Hex("82 7F 8000000000000000"), out _).ShouldBe(FrameEvent.Violation);
        walker.Read([0x81, 0x00], out var consumed).ShouldBe(FrameEvent.Violation);
        consumed.ShouldBe(0);
    }

    [Fact]
    public void The_boundary_between_frames_is_known()
    {
        var walker = new FrameWalker();
        walker.AtBoundary.ShouldBeTrue();
        walker.Read([0x82], out _);
        walker.AtBoundary.ShouldBeFalse();
        walker.Read([0x02], out _).ShouldBe(FrameEvent.Header);
        walker.AtBoundary.ShouldBeFalse();
        walker.Read([1], out _).ShouldBe(FrameEvent.Payload);
        walker.Offset.ShouldBe(1);
        walker.Remaining.ShouldBe(1);
        walker.Read([2], out _);
        walker.AtBoundary.ShouldBeTrue();
    }

    private static List<string> Walk(byte[] bytes, int[] cuts)
    {
        var events = new List<string>();
        var walker = new FrameWalker();
        var payload = "";
        var from = 0;
        foreach (var to in cuts)
        {
            for (var at = from; at < to;)
            {
                var read = walker.Read(bytes.AsSpan(at, to - at), out var consumed);
                if (read == FrameEvent.Violation) return [.. events, "violation"];
                if (read == FrameEvent.Header) events.Add($"{(int)walker.Header.Opcode:X} {walker.Header.PayloadLength}");
                if (read == FrameEvent.Payload) payload += Convert.ToHexString(bytes, at, consumed);
                at += consumed;
                if (payload.Length > 0 && walker.Remaining == 0)
                {
                    events.Add(payload);
                    payload = "";
                }
            }
            from = to;
        }
        if (payload.Length > 0) events.Add(payload + "…");
        return events;
    }
}

using Sluice.Protocol;

namespace Sluice.Tests.Protocol;

public class FrameParserTests
{
    public static TheoryData<Role> Roles => [Role.Server, Role.Client];

    [Theory]
    [MemberData(nameof(Roles))]
    public void However_a_sequence_is_cut_the_same_frames_are_read(Role receiver)
    {
        foreach (var (name, bytes) in FrameCorpus.Sequences(receiver)) CheckCuts(name, bytes, receiver);
    }

    [Theory]
    [MemberData(nameof(Roles))]
    public void However_a_random_sequence_is_cut_the_same_frames_are_read(Role receiver)
    {
        for (var seed = 0; seed < 300; seed++) CheckCuts($"seed {seed}", FrameCorpus.Random(seed, receiver), receiver);
    }

    [Fact]
    public void Section_5_7_a_fragmented_message_with_a_ping_between_is_read_frame_by_frame()
    {
        var bytes = Wire.Hex("01 03 48656C 89 00 80 02 6C6F");
        Read(bytes, [bytes.Length], Role.Client).ShouldBe(["01 3", "48656C", "89 0", "80 2", "6C6F"]);
    }

    [Fact]
    public void A_violation_is_reported_with_the_first_byte_that_shows_it_and_ends_everything()
    {
        var parser = new FrameParser(Role.Server);
        parser.Read([0x82], out var consumed).ShouldBe(FrameEvent.Incomplete);
        parser.Read([0xFF], out consumed).ShouldBe(FrameEvent.Incomplete);
        parser.Read([0x80], out consumed).ShouldBe(FrameEvent.Violation);
        consumed.ShouldBe(0);
        parser.Violation.ShouldNotBeNull().Section.ShouldBe("§5.2");
        parser.Read([0x00, 0x00], out consumed).ShouldBe(FrameEvent.Violation);
        consumed.ShouldBe(0);
    }

    [Fact]
    public void Behind_a_violation_the_frames_can_still_be_passed_over()
    {
        var bytes = Wire.Join(Wire.Text("bad", masked: true, first: 0xC1), Wire.Close(1000, "", masked: true));
        var parser = new FrameParser(Role.Server);
        parser.Read(bytes, out _).ShouldBe(FrameEvent.Violation);
        var read = new List<Opcode>();
        for (var at = 0; at < bytes.Length;)
        {
            if (parser.PassOver(bytes.AsSpan(at), out var consumed) == FrameEvent.Header) read.Add(parser.Header.Opcode);
            at += consumed;
        }
        read.ShouldBe([Opcode.Text, Opcode.Close]);
    }

    [Theory]
    [MemberData(nameof(Roles))]
    public void A_whole_message_is_found_in_one_step_where_reading_frame_by_frame_finds_it(Role receiver)
    {
        var found = 0;
        var input = Enumerable.Range(0, 340).Select(i => (byte)(i * 37)).ToArray();
        for (var start = 0; start <= ushort.MaxValue; start++)
        {
            (input[0], input[1], input[2], input[3]) = ((byte)(start >> 8), (byte)start, (byte)(start % 3 / 2), (byte)(start % 251));
            var length = start & 0x7F;
            if (length == 126) length = 2 + (input[2] << 8) + input[3];
            int[] cuts = [0, 1, 2, 3, 4, 5, 6, 7, 8, length + 1, length + 2, length + 5, length + 6, input.Length];
            foreach (var cut in cuts)
            {
                if (CheckWhole(input.AsSpan(0, Math.Min(cut, input.Length)), receiver)) found++;
            }
        }
        byte[][] borders = [Wire.Text(new string('a', 126), masked: receiver == Role.Server), Wire.Text(new string('a', 65_535), masked: receiver == Role.Server)];
        foreach (var whole in borders)
        {
            CheckWhole(whole, receiver).ShouldBeTrue();
            CheckWhole(whole.AsSpan(..^1), receiver).ShouldBeFalse();
        }
        found.ShouldBeGreaterThan(2 * 126 * 2); // text and binary, of every length, in several inputs
    }

    [Theory]
    [MemberData(nameof(Roles))]
    public void Inside_a_frame_a_header_or_a_message_and_behind_a_violation_none_is_found_in_one_step(Role receiver)
    {
        var masked = receiver == Role.Server;
        var whole = Wire.Text("hello", masked);
        byte[][] before = [whole[..1], whole[..^1], Wire.Text("be", masked, first: 0x01), Wire.Text("", masked, first: 0xC1)];
        foreach (var bytes in before)
        {
            var parser = new FrameParser(receiver);
            for (var at = 0; at < bytes.Length;)
            {
                if (parser.Read(bytes.AsSpan(at), out var consumed) == FrameEvent.Violation) break;
                at += consumed;
            }
            parser.TryReadWhole(whole, out _, out _, out _, out _).ShouldBeFalse();
        }
    }

    private static bool CheckWhole(ReadOnlySpan<byte> input, Role receiver)
    {
        var parser = new FrameParser(receiver);
        if (!parser.TryReadWhole(input, out var opcode, out var key, out var start, out var end))
        {
            // Only what is no data frame, longer or not there to its end is left to be read.
            if (input.IsEmpty || parser.Read(input, out var size) != FrameEvent.Header) return false;
            var header = parser.Header;
            (header.IsControl || !header.Fin || header.PayloadLength > 65_535 || size + header.PayloadLength > input.Length).ShouldBeTrue();
            return false;
        }
        parser.Read(input, out var headerSize).ShouldBe(FrameEvent.Header);
        headerSize.ShouldBe(start);
        parser.Header.Opcode.ShouldBe(opcode);
        parser.Header.MaskingKey.ShouldBe(key);
        parser.Header.PayloadLength.ShouldBe(end - start);
        parser.Header.Fin.ShouldBeTrue();
        parser.Header.Reserved.ShouldBe(ReservedBits.None);
        return true;
    }

    [Fact]
    public void Reading_allocates_nothing()
    {
        var bytes = Wire.Join([.. FrameCorpus.Sequences(Role.Server).Where(s => s.Name is "fragments" or "pings").Select(s => s.Bytes)]);
        Walk(bytes);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++) Walk(bytes);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);

        static void Walk(ReadOnlySpan<byte> bytes)
        {
            var parser = new FrameParser(Role.Server);
            for (var at = 0; at < bytes.Length;)
            {
                parser.Read(bytes.Slice(at, Math.Min(3, bytes.Length - at)), out var consumed);
                at += consumed;
            }
        }
    }

    private static void CheckCuts(string name, byte[] bytes, Role receiver)
    {
        var whole = Read(bytes, [bytes.Length], receiver);
        foreach (var cuts in FrameCorpus.Cuts(bytes.Length, seed: 7))
        {
            Read(bytes, cuts, receiver).ShouldBe(whole, $"{name}, cut at {string.Join(",", cuts)}");
        }
    }

    private static List<string> Read(byte[] bytes, int[] cuts, Role receiver)
    {
        var events = new List<string>();
        var parser = new FrameParser(receiver);
        var payload = "";
        var from = 0;
        foreach (var to in cuts)
        {
            for (var at = from; at < to;)
            {
                var read = parser.Read(bytes.AsSpan(at, to - at), out var consumed);
                if (read == FrameEvent.Violation)
                {
                    events.Add(payload + parser.Violation);
                    return events;
                }
                if (read == FrameEvent.Header) events.Add($"{(parser.Header.Fin ? 8 : 0)}{(int)parser.Header.Opcode:X} {parser.Header.PayloadLength}");
                if (read == FrameEvent.Payload)
                {
                    var part = bytes.AsSpan(at, consumed).ToArray();
                    Masking.Apply(part, parser.Header.MaskingKey, (int)((parser.Offset - consumed) & 3));
                    payload += Convert.ToHexString(part);
                }
                at += consumed;
                if (payload.Length > 0 && parser.Remaining == 0)
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

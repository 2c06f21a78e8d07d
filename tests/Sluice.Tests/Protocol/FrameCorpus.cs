using Sluice.Protocol;

namespace Sluice.Tests.Protocol;

/// <summary>Byte sequences, allowed and not, for the property that how they are cut changes nothing.</summary>
internal static class FrameCorpus
{
    /// <param name="receiver">The side that gets them.</param>
    public static IEnumerable<(string Name, byte[] Bytes)> Sequences(Role receiver)
    {
        var m = receiver == Role.Server;
        byte[] Text(string text, int first = 0x81) => Wire.Text(text, m, first);
        byte[] Bin(int size, int first = 0x82) => Wire.Frame(first, [.. Enumerable.Range(0, size).Select(i => (byte)i)], m);
        byte[] Raw(string hex) => Wire.Hex(hex);
        var ping = Wire.Frame(0x89, [1, 2, 3], m);
        var pong = Wire.Frame(0x8A, [4], m);
        var close = Wire.Close(1000, "bye", m);

        yield return ("nothing", []);
        yield return ("one text", Wire.Join(Text("Hello"), close));
        yield return ("empty messages", Wire.Join(Text(""), Bin(0), Text(""), close));
        yield return ("lengths", Wire.Join(Bin(125), Bin(126), Bin(127), close));
        yield return ("pings", Wire.Join(ping, Wire.Frame(0x89, [], m), Wire.Frame(0x89, new byte[125], m), pong, close));
        yield return ("fragments", Wire.Join(Text("Hel", 0x01), Text("lo", 0x80), Bin(3, 0x02), Bin(0, 0x00), Bin(4, 0x80), close));
        yield return ("control between fragments", Wire.Join(Text("a", 0x01), ping, Text("b", 0x00), pong, Text("", 0x80), close));
        yield return ("close inside a message", Wire.Join(Text("a", 0x01), close));
        yield return ("data after close", Wire.Join(Text("x"), close, Text("y"), ping));
        yield return ("no close", Wire.Join(Text("x"), Text("y", 0x01)));
        yield return ("half a header", Wire.Join(Text("x"), Raw(m ? "81 FE 01" : "81 7E 01")));
        yield return ("half a payload", Bin(20)[..^3]);
        yield return ("close without code", Wire.Frame(0x88, [], m));
        yield return ("close of one byte", Wire.Join(Text("x"), Wire.Frame(0x88, [3], m)));
        yield return ("close with 1005", Wire.Close(1005, "", m));
        yield return ("close with 4999", Wire.Close(4999, new string('r', 123), m));
        yield return ("close with a bad reason", Wire.Frame(0x88, [3, 0xE8, 0xC3, 0x28], m));
        yield return ("text across code points", Wire.Join(Wire.Frame(0x01, [0xCE], m), ping, Wire.Frame(0x80, [0xBA, 0xE2, 0x82, 0xAC], m), close));
        yield return ("text not UTF-8", Wire.Join(Text("ok"), Wire.Frame(0x81, [0x61, 0xED, 0xA0, 0x80, 0x62], m), ping, close));
        yield return ("text not UTF-8 in a fragment", Wire.Join(Text("a", 0x01), Wire.Frame(0x00, [0xF8, 0x61], m), Text("b", 0x80), close));
        yield return ("text that stops inside a character", Wire.Join(Wire.Frame(0x81, [0x61, 0xE2, 0x82], m), Text("b"), close));
        yield return ("reserved bit", Wire.Join(ping, Text("x", 0xC1), Text("y"), close));
        yield return ("reserved opcode", Wire.Join(Bin(5), Bin(5, 0x83), close));
        yield return ("reserved control opcode", Wire.Join(Bin(5, 0x8B), ping, close));
        yield return ("control too long", Wire.Join(Bin(126, 0x89), close));
        yield return ("control fragmented", Wire.Join(Bin(3, 0x09), Bin(3, 0x80), close));
        yield return ("nothing to continue", Wire.Join(Bin(3, 0x80), close));
        yield return ("message unfinished", Wire.Join(Bin(3, 0x02), Bin(3), close));
        yield return ("wrong masking", Wire.Join(Text("x"), Wire.Text("y", !m), close));
        yield return ("length not minimal, 16 bits", Wire.Join(ping, Raw(m ? "82 FE 0005 37FA213D 0102030405" : "82 7E 0005 0102030405"), close));
        yield return ("length not minimal, 64 bits", Wire.Join(Raw(m ? "82 FF 000000000000FFFF 37FA213D" : "82 7F 000000000000FFFF"), close));
        yield return ("bit 63", Wire.Join(Text("x"), Raw(m ? "82 FF 8000000000000001 37FA213D" : "82 7F 8000000000000001"), close));
        yield return ("2^63-1 bytes", Raw(m ? "82 FF 7FFFFFFFFFFFFFFF 37FA213D 01" : "82 7F 7FFFFFFFFFFFFFFF 01"));
        yield return ("past the limit in fragments", Wire.Join(Bin(200, 0x02), Bin(56, 0x00), Bin(1, 0x80), close));
        yield return ("up to the limit in fragments", Wire.Join(Bin(200, 0x02), Bin(56, 0x00), Bin(0, 0x80), close));
    }

    /// <summary>A sequence made of what a peer might do, mostly allowed. The same for the same seed.</summary>
    public static byte[] Random(int seed, Role receiver)
    {
        var random = new Random(seed);
        var masked = receiver == Role.Server;
        var bytes = new List<byte>();
        var inside = false;
        for (var frames = random.Next(1, 12); frames > 0; frames--)
        {
            var payload = new byte[random.Next(4) == 0 ? random.Next(120, 160) : random.Next(0, 12)];
            random.NextBytes(payload);
            for (var i = 0; i < payload.Length && random.Next(10) > 0; i++) payload[i] = (byte)(0x20 + (payload[i] & 0x3F));
            int first;
            switch (random.Next(8))
            {
                case 0:
                    first = 0x89;
                    payload = payload.Length > 125 ? payload[..125] : payload;
                    break;
                case 1:
                    first = 0x8A;
                    payload = payload.Length > 125 ? payload[..125] : payload;
                    break;
                default:
                    var fin = random.Next(2);
                    first = (fin << 7) | (inside ? 0 : random.Next(1, 3));
                    inside = fin == 0;
                    break;
            }
            var frame = Wire.Frame(first, payload, masked);
            if (random.Next(25) == 0) frame[random.Next(frame.Length)] ^= (byte)(1 << random.Next(8));
            bytes.AddRange(frame);
        }
        if (random.Next(3) > 0) bytes.AddRange(Wire.Close(random.Next(10) == 0 ? 1006 : 1000 + random.Next(4), "", masked));
        return [.. bytes];
    }

    /// <summary>Ways to cut: whole, byte by byte, at each position (of long ones at many), and at random.</summary>
    public static IEnumerable<int[]> Cuts(int length, int seed)
    {
        yield return [length];
        yield return [.. Enumerable.Range(1, length)];
        for (var at = 1; at < length; at += 1 + (length / 200)) yield return [at, length];
        var random = new Random(seed);
        for (var i = 0; i < 10; i++)
        {
            var cuts = Enumerable.Range(1, Math.Max(0, length - 1)).Where(_ => random.Next(6) == 0);
            yield return [.. cuts, length];
        }
    }
}

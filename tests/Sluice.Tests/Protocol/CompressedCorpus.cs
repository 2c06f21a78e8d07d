using System.Text;
using Sluice.Compression;
using Sluice.Protocol;
using Sluice.Tests.Compression;

namespace Sluice.Tests.Protocol;

/// <summary>Compressed sequences, allowed and not, for the property that how they are cut changes nothing.</summary>
internal static class CompressedCorpus
{
    /// <param name="receiver">The side that gets them; its limit is 256 bytes.</param>
    public static IEnumerable<(string Name, byte[] Bytes)> Sequences(Role receiver)
    {
        var m = receiver == Role.Server;
        byte[] Raw(int first, string hex) => Wire.Frame(first, Wire.Hex(hex), m);
        var close = Wire.Close(1000, "bye", m);
        var ping = Wire.Frame(0x89, [1, 2, 3], m);

        yield return ("examples", Wire.Join(Raw(0xC1, "F248CDC9C90700"), Raw(0xC1, "F200110000"), Wire.Text("plain", m), Raw(0xC1, "F200110000"), close));
        yield return ("fragments", Wire.Join(Raw(0x41, "F248CD"), ping, Raw(0x00, ""), Raw(0x80, "C9C90700"), close));
        yield return ("empty", Wire.Join(Raw(0xC1, "00"), Raw(0xC2, ""), Raw(0xC1, "0200"), Raw(0x41, ""), Raw(0x80, "00"), close));
        yield return ("final blocks", Wire.Join(Raw(0xC1, "F348CDC9C9070000"), Raw(0xC1, "F348CDC9C90700"), Raw(0xC2, "F348CDC9C90700F348CDC9C9070000"), close));
        yield return ("stored", Wire.Join(Raw(0xC1, "000500FAFF48656C6C6F00"), close));
        yield return ("cut off", Wire.Join(Raw(0xC2, "F248CDC9C90700"), Raw(0xC2, "F248CD"), close));
        yield return ("rubbish", Wire.Join(Raw(0xC2, "F248CDC9C90700"), ping, Raw(0xC2, "FF00FF"), close));
        yield return ("rubbish behind a final block", Wire.Join(Raw(0xC2, "F348CDC9C90700FFFF"), close));
        yield return ("text not UTF-8", Wire.Join(Wire.Frame(0xC1, Deflate([0x61, 0xED, 0xA0, 0x80]), m), close));
        yield return ("RSV1 on a continuation", Wire.Join(Raw(0x41, "F248CD"), Raw(0xC0, "C9C90700"), close));
        yield return ("up to the limit", Wire.Join(Wire.Frame(0xC2, Deflate(new byte[256]), m), close));
        yield return ("past the limit", Wire.Join(Wire.Frame(0xC2, Deflate(new byte[257]), m), close));
        yield return ("a bomb", Wire.Join(Wire.Frame(0xC2, Deflate(new byte[100_000]), m), close));
        yield return ("messages with context", Wire.Join([.. Messages(1, m), close]));
        yield return ("messages with windows of 8 bits", Wire.Join([.. Messages(2, m, bits: 8), close]));
    }

    public static byte[] Random(int seed, Role receiver)
    {
        var frames = Messages(seed, receiver == Role.Server).ToList();
        var random = new Random(seed);
        if (random.Next(2) == 0)
        {
            var frame = frames[random.Next(frames.Count)];
            frame[random.Next(frame.Length)] ^= (byte)(1 << random.Next(8));
        }
        frames.Add(Wire.Close(1000, "", receiver == Role.Server));
        return Wire.Join([.. frames]);
    }

    private static IEnumerable<byte[]> Messages(int seed, bool masked, int bits = 15)
    {
        var random = new Random(seed);
        using var deflater = new Deflater(new(bits, 1 + random.Next(9), 8));
        for (var count = random.Next(2, 6); count > 0; count--)
        {
            var text = new StringBuilder();
            for (var words = random.Next(20); words > 0; words--) text.Append("wört ").Append(random.Next(20)).Append(' ');
            var payload = Encoding.UTF8.GetBytes(text.ToString());
            if (random.Next(3) == 0) random.NextBytes(payload.AsSpan(payload.Length / 2));
            var opcode = random.Next(3) == 0 ? 2 : 1;
            if (payload.Length == 0 || random.Next(4) == 0)
            {
                yield return Wire.Frame(0x80 | opcode, payload, masked);
                continue;
            }
            var deflated = CodecTests.Deflate(deflater, payload, forget: random.Next(4) == 0);
            var cut = random.Next(deflated.Length + 1);
            if (random.Next(2) == 0)
            {
                yield return Wire.Frame(0xC0 | opcode, deflated, masked);
                continue;
            }
            yield return Wire.Frame(0x40 | opcode, deflated[..cut], masked);
            if (random.Next(2) == 0) yield return Wire.Frame(0x89, [7], masked);
            yield return Wire.Frame(0x80, deflated[cut..], masked);
        }
    }

    private static byte[] Deflate(byte[] payload)
    {
        using var deflater = new Deflater(new(15, 6, 8));
        return CodecTests.Deflate(deflater, payload, forget: true);
    }
}

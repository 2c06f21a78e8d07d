using System.IO.Compression;
using FsCheck;
using FsCheck.Fluent;

namespace Sluice.Fuzz.Grammar;

/// <summary>Contents worth compressing, and compressed payloads, good ones and damaged ones. Made by System.IO.Compression,
/// not by the code under test.</summary>
internal static class Deflated
{
    private static readonly CompressionLevel[] Levels = [CompressionLevel.NoCompression, CompressionLevel.Fastest, CompressionLevel.Optimal, CompressionLevel.SmallestSize];

    /// <summary>Repeats, words, noise, nothing.</summary>
    public static readonly Gen<byte[]> Content = Gen.Frequency(
        (1, Gen.Constant(Array.Empty<byte>())),
        (3, Bytes.Noise),
        (3, Utf8Text.Near),
        (3, from piece in Gen.Choose(1, 9).SelectMany(Bytes.Exactly)
            from times in Gen.Frequency((6, Gen.Choose(1, 60)), (1, Gen.Choose(60, 2000)))
            select Enumerable.Repeat(piece, times).SelectMany(bytes => bytes).ToArray()),
        (2, from words in Gen.Elements("\"id\":", "true,", "price", "{}", "0.25", "été").ListOf(30)
            select System.Text.Encoding.UTF8.GetBytes(string.Concat(words))));

    /// <summary>Payloads of messages that follow one another, each referring to those before when they share a context.</summary>
    public static readonly Gen<byte[][]> Payloads =
        from contents in Gen.Choose(1, 4).SelectMany(count => Content.ArrayOf(count))
        from level in Gen.Elements(Levels)
        from takeover in Gen.Elements(true, false)
        from kinds in Gen.Frequency((12, Gen.Constant(0)), (2, Gen.Constant(1)), (1, Gen.Constant(2)), (1, Gen.Constant(3)), (1, Gen.Constant(4))).ArrayOf(contents.Length)
        from noise in Bytes.Exactly(4)
        select Make(contents, level, takeover, kinds, noise);

    /// <summary>One stream's messages, each without the tail.</summary>
    public static byte[][] Compress(byte[][] contents, CompressionLevel level)
    {
        using var memory = new MemoryStream();
        using var deflate = new DeflateStream(memory, level, leaveOpen: true);
        var messages = new byte[contents.Length][];
        for (var i = 0; i < contents.Length; i++)
        {
            memory.SetLength(0);
            deflate.Write(contents[i]);
            deflate.Flush();
            var bytes = memory.ToArray();
            messages[i] = bytes.AsSpan().EndsWith((ReadOnlySpan<byte>)[0, 0, 0xFF, 0xFF]) ? bytes[..^4] : [0];
        }
        return messages;
    }

    private static byte[][] Make(byte[][] contents, CompressionLevel level, bool takeover, int[] kinds, byte[] noise)
    {
        var messages = takeover ? Compress(contents, level) : [.. contents.SelectMany(content => Compress([content], level))];
        for (var i = 0; i < messages.Length; i++) messages[i] = Damage(messages[i], contents[i], kinds[i], noise);
        return messages;
    }

    private static byte[] Damage(byte[] message, byte[] content, int kind, byte[] noise)
    {
        switch (kind)
        {
            case 1: // one bit
                if (message.Length > 0) message[noise[0] % message.Length] ^= (byte)(1 << (noise[1] & 7));
                return message;
            case 2: // cut
                return message[..(noise[0] % (message.Length + 1))];
            case 3: // an end of its own, and something behind it
                return [.. WithEnd(content), .. noise.AsSpan(0, noise[0] & 3)];
            case 4: // two ends
                return [.. WithEnd(content), .. WithEnd(content), .. message];
            default:
                return message;
        }
    }

    private static byte[] WithEnd(byte[] content)
    {
        using var memory = new MemoryStream();
        using (var deflate = new DeflateStream(memory, CompressionLevel.Optimal, leaveOpen: true)) deflate.Write(content);
        return memory.ToArray();
    }
}

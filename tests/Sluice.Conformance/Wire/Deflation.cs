using System.IO.Compression;

namespace Sluice.Conformance.Wire;

/// <summary>Writes DEFLATE bit by bit (RFC 1951 §3.2.6, fixed codes), right or wrong in any way.</summary>
internal sealed class Deflation
{
    private readonly List<byte> _bytes = [];
    private int _free; // bits of the last byte

    /// <summary>"Hello" as in RFC 7692 §7.2.3.1.</summary>
    public static byte[] Hello => [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

    /// <summary>"Hello" behind another, as in §7.2.3.2.</summary>
    public static byte[] HelloAgain => [0xf2, 0x00, 0x11, 0x00, 0x00];

    /// <summary>What has been written, its last byte filled up with zeros.</summary>
    public byte[] Bytes => [.. _bytes];

    /// <summary>A whole message of any size, by the runtime's compressor.</summary>
    public static byte[] Compressed(byte[] message)
    {
        var compressed = new MemoryStream();
        using var deflate = new DeflateStream(compressed, CompressionLevel.Optimal);
        deflate.Write(message);
        deflate.Flush();
        var bytes = compressed.ToArray();
        bytes[^4..].ShouldBe([0x00, 0x00, 0xff, 0xff], "a flush ends at a byte boundary");
        return bytes[..^4];
    }

    /// <summary>A whole message in blocks without compression.</summary>
    public static byte[] Stored(byte[] message)
    {
        var all = new Deflation();
        foreach (var part in message.Chunk(0xffff)) all.Block(0).Align().Raw(LengthOf(part.Length)).Raw(part);
        return all.Block(0).Bytes;
    }

    /// <summary>The two lengths before a block without compression.</summary>
    public static byte[] LengthOf(int length) => [(byte)length, (byte)(length >> 8), (byte)~length, (byte)(~length >> 8)];

    /// <summary>A block begins: 0 is without compression, 1 has fixed codes, 2 codes of its own, 3 is reserved.</summary>
    public Deflation Block(int type, bool final = false) => Bits(final ? 1 : 0, 1).Bits(type, 2);

    public Deflation Literals(params byte[] bytes)
    {
        foreach (var b in bytes) _ = b < 144 ? Code(0x30 + b, 8) : Code(0x190 + b - 144, 9);
        return this;
    }

    /// <summary>The same three bytes again, from 1 to 4 bytes back.</summary>
    public Deflation Match(int distance) => Symbol(257).Code(distance - 1, 5);

    /// <summary>The three bytes that stand 32,768 bytes back.</summary>
    public Deflation FarthestMatch() => Symbol(257).Code(29, 5).Bits(0x1fff, 13);

    /// <summary>A symbol from 256 on, without the bits behind it.</summary>
    public Deflation Symbol(int symbol) => symbol < 280 ? Code(symbol - 256, 7) : Code(0xc0 + symbol - 280, 8);

    public Deflation EndBlock() => Symbol(256);

    /// <summary>Up to the next byte.</summary>
    public Deflation Align()
    {
        _free = 0;
        return this;
    }

    public Deflation Raw(params byte[] bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    /// <summary>A number, its lowest bit first.</summary>
    public Deflation Bits(int value, int count)
    {
        for (var i = 0; i < count; i++)
        {
            if (_free == 0) _bytes.Add(0);
            _free = _free == 0 ? 7 : _free - 1;
            _bytes[^1] |= (byte)(((value >> i) & 1) << (7 - _free));
        }
        return this;
    }

    /// <summary>A code, its highest bit first.</summary>
    public Deflation Code(int value, int count)
    {
        for (var i = count - 1; i >= 0; i--) Bits(value >> i, 1);
        return this;
    }
}

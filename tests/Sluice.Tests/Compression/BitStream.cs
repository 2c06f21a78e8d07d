namespace Sluice.Tests.Compression;

/// <summary>A plain decoder of DEFLATE (RFC 1951), written for the tests alone: it shows how far back a stream refers, which no
/// library tells.</summary>
internal sealed class BitStream(byte[] bytes)
{
    private static readonly int[] LengthBase =
        [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];

    private static readonly int[] DistanceBase =
    [
        1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289,
        16385, 24577,
    ];

    private static readonly int[] CodeOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

    private readonly List<byte> _output = [];
    private int _at;

    /// <summary>The longest way back of any match.</summary>
    public int FarthestMatch { get; private set; }

    public int Matches { get; private set; }

    /// <summary>Decodes all blocks up to the end of the bytes.</summary>
    public byte[] Decode()
    {
        while (_at + 3 <= bytes.Length * 8)
        {
            var final = Bits(1) == 1;
            switch (Bits(2))
            {
                case 0: Stored(); break;
                case 1: Block(FixedLengths(), [.. Enumerable.Repeat(5, 30)]); break;
                case 2: Dynamic(); break;
                default: throw new InvalidDataException("a block of type 3");
            }
            if (final) _at = (_at + 7) / 8 * 8;
        }
        return [.. _output];
    }

    private void Stored()
    {
        _at = (_at + 7) / 8 * 8;
        var length = Bits(16);
        (Bits(16) ^ 0xFFFF).ShouldBe(length);
        for (; length > 0; length--) _output.Add((byte)Bits(8));
    }

    private void Dynamic()
    {
        var literals = Bits(5) + 257;
        var distances = Bits(5) + 1;
        var codes = new int[19];
        for (int i = 0, count = Bits(4) + 4; i < count; i++) codes[CodeOrder[i]] = Bits(3);
        var table = Table(codes);
        var lengths = new List<int>();
        while (lengths.Count < literals + distances)
        {
            var symbol = Symbol(table);
            if (symbol < 16) lengths.Add(symbol);
            else if (symbol == 16) lengths.AddRange(Enumerable.Repeat(lengths[^1], 3 + Bits(2)));
            else lengths.AddRange(Enumerable.Repeat(0, symbol == 17 ? 3 + Bits(3) : 11 + Bits(7)));
        }
        Block([.. lengths[..literals]], [.. lengths[literals..]]);
    }

    private void Block(int[] literalLengths, int[] distanceLengths)
    {
        var literals = Table(literalLengths);
        var distances = Table(distanceLengths);
        while (true)
        {
            var symbol = Symbol(literals);
            if (symbol == 256) return;
            if (symbol < 256)
            {
                _output.Add((byte)symbol);
                continue;
            }
            var length = LengthBase[symbol - 257] + (symbol is < 265 or 285 ? 0 : Bits((symbol - 261) / 4));
            var far = Symbol(distances);
            var distance = DistanceBase[far] + (far < 4 ? 0 : Bits((far / 2) - 1));
            FarthestMatch = Math.Max(FarthestMatch, distance);
            Matches++;
            for (; length > 0; length--) _output.Add(_output[^distance]);
        }
    }

    private static int[] FixedLengths()
        => [.. Enumerable.Repeat(8, 144), .. Enumerable.Repeat(9, 112), .. Enumerable.Repeat(7, 24), .. Enumerable.Repeat(8, 8)];

    // Code and its length to symbol (RFC 1951 §3.2.2).
    private static Dictionary<(int Length, int Code), int> Table(int[] lengths)
    {
        var table = new Dictionary<(int, int), int>();
        var code = 0;
        for (var length = 1; length <= 15; length++)
        {
            for (var symbol = 0; symbol < lengths.Length; symbol++)
            {
                if (lengths[symbol] == length) table[(length, code++)] = symbol;
            }
            code <<= 1;
        }
        return table;
    }

    private int Symbol(Dictionary<(int Length, int Code), int> table)
    {
        var code = 0;
        for (var length = 1; length <= 15; length++)
        {
            code = (code << 1) | Bits(1);
            if (table.TryGetValue((length, code), out var symbol)) return symbol;
        }
        throw new InvalidDataException("no such code");
    }

    private int Bits(int count)
    {
        var value = 0;
        for (var i = 0; i < count; i++, _at++) value |= ((bytes[_at / 8] >> (_at % 8)) & 1) << i;
        return value;
    }
}

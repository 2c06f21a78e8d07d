namespace Sluice.Fuzz.Reference;

/// <summary>
/// RFC 1951 and RFC 7692 §7.2.2 a second time: bit by bit, message by message, the whole message at hand. Shares nothing
/// with zlib or the code under test.
/// </summary>
internal sealed class ReferenceInflate
{
    private static readonly byte[] Tail = [0x00, 0x00, 0xFF, 0xFF];
    private static readonly int[] LengthBase = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
    private static readonly int[] LengthExtra = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
    private static readonly int[] LengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    private static readonly int[] FixedLengths = [.. Enumerable.Range(0, 288).Select(i => i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8)];
    private static readonly int[] FixedDistances = [.. Enumerable.Repeat(5, 30)];

    private readonly int _window;
    private readonly int _most;
    private readonly List<byte> _history = []; // since the last block with BFINAL
    private byte[] _input = [];
    private int _bit;
    private int _end; // of what was sent, in bits: behind it comes the tail
    private List<byte> _output = [];

    /// <param name="windowBits">How far back a message may refer.</param>
    /// <param name="most">Behind so many bytes of a message it is given up.</param>
    public ReferenceInflate(int windowBits = 15, int most = 1 << 20)
    {
        _window = 1 << windowBits;
        _most = most;
    }

    /// <summary>Whether a block with BFINAL was seen.</summary>
    public bool HasFinal { get; private set; }

    /// <summary>Whether the last message was refused for want of bits alone.</summary>
    public bool IsCut { get; private set; }

    /// <summary>How many bytes of the last message's output stand in what was sent. The tail gives none to a message that is in
    /// order; where one is cut in the middle of a block, its bits may be read as anything.</summary>
    public int SentLength { get; private set; }

    /// <summary>Inflates the next message. Not to be called again after one that was not in order.</summary>
    /// <param name="payload">All of it.</param>
    /// <param name="output">What came out, also in front of a fault.</param>
    /// <returns>Whether it was in order to its end.</returns>
    public bool TryInflate(byte[] payload, out byte[] output)
    {
        _output = [];
        IsCut = false;
        SentLength = 0;
        var isValid = payload.Length == 0;
        try
        {
            isValid = isValid || Run(payload);
        }
        catch (Corrupt)
        {
            // Not valid.
        }
        catch (Cut)
        {
            IsCut = true;
        }
        output = [.. _output];
        return isValid;
    }

    private bool Run(byte[] payload)
    {
        // The bits of the last byte that no block has used stay in front.
        _input = [.. _input.AsSpan(_bit / 8), .. payload, .. Tail];
        _bit %= 8;
        var end = _end = (_input.Length - Tail.Length) * 8;
        while (true)
        {
            if (!Block())
            {
                if ((_bit + 7) / 8 < _input.Length) continue;
                // A message that was cut may end within the tail's last byte: what is left of it is too little for a block.
                return _bit == _input.Length * 8 ? true : throw new Cut();
            }
            HasFinal = true;
            _history.Clear();
            _bit = (_bit + 7) / 8 * 8;
            // It may take exactly the tail to its end; behind one that ends within it, what is left of it is no block.
            if (_bit > end && _bit < _input.Length * 8) throw new Corrupt();
            if (_bit < end) continue;
            _input = []; // right behind such a block no tail belongs (§7.2.3.4)
            _bit = 0;
            return true;
        }
    }

    private bool Block()
    {
        var final = Bits(1) == 1;
        switch (Bits(2))
        {
            case 0:
                Stored();
                break;
            case 1:
                Codes(new Huffman(FixedLengths), new Huffman(FixedDistances));
                break;
            case 2:
                Dynamic();
                break;
            default:
                throw new Corrupt();
        }
        return final;
    }

    private void Stored()
    {
        _bit = (_bit + 7) / 8 * 8;
        var length = Bits(16);
        if ((Bits(16) ^ length) != 0xFFFF) throw new Corrupt();
        for (; length > 0; length--) Put((byte)Bits(8));
    }

    private void Dynamic()
    {
        var (lengths, distances, codes) = (Bits(5) + 257, Bits(5) + 1, Bits(4) + 4);
        if (lengths > 286 || distances > 30) throw new Corrupt();
        var sizes = new int[19];
        for (var i = 0; i < codes; i++) sizes[LengthOrder[i]] = Bits(3);
        var code = new Huffman(sizes);
        // As zlib has it: with no code at all every bit stands for a length of 0, and the fault is seen behind them.
        if (!code.IsComplete && code.Longest > 0) throw new Corrupt();
        var all = new List<int>();
        while (all.Count < lengths + distances)
        {
            var symbol = code.Longest > 0 ? Symbol(code) : Bits(1) * 0;
            if (symbol == 16 && all.Count == 0) throw new Corrupt();
            var (value, times) = symbol switch
            {
                < 16 => (symbol, 1),
                16 => (all[^1], 3 + Bits(2)),
                17 => (0, 3 + Bits(3)),
                _ => (0, 11 + Bits(7)),
            };
            if (all.Count + times > lengths + distances) throw new Corrupt();
            for (; times > 0; times--) all.Add(value);
        }
        if (all[256] == 0) throw new Corrupt(); // no end of block
        var first = new Huffman([.. all.Take(lengths)]);
        var second = new Huffman([.. all.Skip(lengths)]);
        // As zlib has it: one code of one bit, or none, is let pass.
        if (!(first.IsComplete || first.Longest <= 1) || !(second.IsComplete || second.Longest <= 1)) throw new Corrupt();
        Codes(first, second);
    }

    private void Codes(Huffman lengths, Huffman distances)
    {
        while (true)
        {
            var symbol = Symbol(lengths);
            if (symbol == 256) return;
            if (symbol < 256)
            {
                Put((byte)symbol);
                continue;
            }
            symbol -= 257;
            if (symbol >= 29) throw new Corrupt();
            var length = LengthBase[symbol] + Bits(LengthExtra[symbol]);
            var code = Symbol(distances);
            if (code >= 30) throw new Corrupt();
            var extra = code < 4 ? 0 : (code - 2) / 2;
            var distance = (code < 4 ? code + 1 : ((2 + (code & 1)) << extra) + 1) + Bits(extra);
            if (distance > _window || distance > _history.Count) throw new Corrupt();
            for (; length > 0; length--) Put(_history[^distance]);
        }
    }

    private int Symbol(Huffman code)
    {
        var (value, first, index) = (0, 0, 0);
        for (var length = 1; length <= 15; length++)
        {
            value |= Bits(1);
            var count = code.Counts[length];
            if (value - count < first) return code.Symbols[index + (value - first)];
            index += count;
            first = (first + count) << 1;
            value <<= 1;
            if (length >= code.Longest) break;
        }
        throw new Corrupt();
    }

    private int Bits(int count)
    {
        var value = 0;
        for (var i = 0; i < count; i++, _bit++)
        {
            if (_bit / 8 >= _input.Length) throw new Cut();
            value |= ((_input[_bit / 8] >> (_bit % 8)) & 1) << i;
        }
        return value;
    }

    private void Put(byte value)
    {
        if (_output.Count > _most) throw new Corrupt(); // the limit was passed before
        _output.Add(value);
        if (_bit <= _end) SentLength = _output.Count;
        _history.Add(value);
    }

    private sealed class Huffman
    {
        public Huffman(int[] lengths)
        {
            foreach (var length in lengths) Counts[length]++;
            Counts[0] = 0;
            var left = 1;
            for (var length = 1; length <= 15; length++)
            {
                left = (left << 1) - Counts[length];
                if (left < 0) throw new Corrupt();
                if (Counts[length] > 0) Longest = length;
            }
            IsComplete = left == 0;
            Symbols = [.. lengths.Select((length, symbol) => (length, symbol)).Where(pair => pair.length > 0).OrderBy(pair => pair.length).ThenBy(pair => pair.symbol).Select(pair => pair.symbol)];
        }

        public int[] Counts { get; } = new int[16];

        public int[] Symbols { get; }

        public int Longest { get; }

        public bool IsComplete { get; }
    }

    private sealed class Corrupt : Exception;

    private sealed class Cut : Exception;
}

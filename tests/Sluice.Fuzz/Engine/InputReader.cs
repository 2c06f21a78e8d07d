namespace Sluice.Fuzz.Engine;

/// <summary>Takes an input apart. Behind its end everything is zero, so that every string of bytes is an input.</summary>
internal sealed class InputReader(byte[] input)
{
    private int _position;

    public bool IsAtEnd => _position >= input.Length;

    public byte Byte() => _position < input.Length ? input[_position++] : (byte)0;

    public bool Flag() => (Byte() & 1) != 0;

    /// <summary>A number from 0 to below <paramref name="count"/>.</summary>
    public int Below(int count) => Byte() % count;

    /// <summary>Up to so many bytes: fewer at the end.</summary>
    public byte[] Bytes(int count)
    {
        var taken = input.AsSpan(Math.Min(_position, input.Length), Math.Min(count, Math.Max(0, input.Length - _position))).ToArray();
        _position += taken.Length;
        return taken;
    }

    /// <summary>A length of one byte and as many bytes, or, behind 255, of two bytes.</summary>
    public byte[] Block()
    {
        int length = Byte();
        if (length == 255) length = (Byte() << 8) | Byte();
        return Bytes(length);
    }

    public byte[] Rest() => Bytes(int.MaxValue);

    /// <summary>Sizes in which a stream of bytes is to be cut, used over and over; none for whole.</summary>
    public Chunks Chunks() => new(Bytes(Below(8)));
}

/// <summary>Where a stream is cut.</summary>
internal sealed class Chunks(byte[] sizes)
{
    private int _next;

    /// <summary>The next piece of what is left: at least one byte.</summary>
    public int Next(int left)
    {
        if (sizes.Length == 0) return left;
        return Math.Min(left, 1 + sizes[_next++ % sizes.Length]);
    }
}

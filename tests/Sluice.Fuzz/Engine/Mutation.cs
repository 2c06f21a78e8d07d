namespace Sluice.Fuzz.Engine;

/// <summary>Changes an input that was worth keeping.</summary>
internal static class Mutation
{
    private const int LongestInput = 256 * 1024;

    // Where lengths, opcodes and UTF-8 turn.
    private static readonly byte[] Interesting =
        [0, 1, 2, 3, 4, 7, 8, 9, 10, 16, 32, 64, 124, 125, 126, 127, 128, 129, 130, 136, 137, 138, 191, 192, 224, 237, 240, 244, 253, 254, 255];

    public static byte[] Of(byte[] input, byte[] other, Random random)
    {
        var bytes = new List<byte>(input);
        for (var changes = 1 + random.Next(4); changes > 0; changes--) Change(bytes, other, random);
        return [.. bytes];
    }

    private static void Change(List<byte> bytes, byte[] other, Random random)
    {
        if (bytes.Count == 0)
        {
            bytes.Add((byte)random.Next(256));
            return;
        }
        var at = random.Next(bytes.Count);
        var length = 1 + random.Next(Math.Min(bytes.Count - at, random.Next(2) == 0 ? 4 : 64));
        switch (random.Next(9))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                bytes[at] = Interesting[random.Next(Interesting.Length)];
                break;
            case 2:
                bytes[at] = (byte)(bytes[at] + random.Next(-4, 5));
                break;
            case 3:
                bytes.RemoveRange(at, length);
                break;
            case 4:
                bytes.Insert(at, (byte)random.Next(256));
                break;
            case 5 when bytes.Count < LongestInput: // the same once more, somewhere else
                bytes.InsertRange(random.Next(bytes.Count), bytes.GetRange(at, length));
                break;
            case 6 when bytes.Count < LongestInput && other.Length > 0: // a piece of another input
                var from = random.Next(other.Length);
                bytes.InsertRange(at, other.AsSpan(from, Math.Min(length * 4, other.Length - from)).ToArray());
                break;
            case 7 when other.Length > 0: // the other's end
                bytes.RemoveRange(at, bytes.Count - at);
                bytes.AddRange(other.AsSpan(random.Next(other.Length)));
                break;
            default:
                bytes[at] = (byte)random.Next(256);
                break;
        }
    }
}

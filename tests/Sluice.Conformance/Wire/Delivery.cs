namespace Sluice.Conformance.Wire;

/// <summary>How the bytes of a case are cut into segments. What comes back must not depend on it.</summary>
public enum Delivery
{
    ByteByByte,
    Whole,
    OddPieces,
}

internal static class DeliveryExtensions
{
    private const int ByteByByteHead = 1500;
    private const int ByteByByteTail = 64;

    // Their sum is prime to most frame sizes, so that cuts fall into headers, keys and characters alike.
    private static readonly int[] Odd = [3, 1, 7, 2, 13, 5, 1, 31, 11];

    public static async Task SendAsync(this Delivery delivery, Peer peer, byte[] bytes)
    {
        if (delivery == Delivery.Whole)
        {
            await peer.SendAsync(bytes);
            return;
        }
        var at = 0;
        for (var turn = 0; at < bytes.Length; turn++)
        {
            var size = Math.Min(delivery == Delivery.ByteByByte ? Single(at, bytes.Length) : Piece(turn, bytes.Length), bytes.Length - at);
            await peer.SendAsync(bytes.AsMemory(at, size));
            at += size;
        }
    }

    // Where headers and ends are; the middle of a large payload goes faster.
    private static int Single(int at, int total)
        => at < ByteByByteHead || at >= total - ByteByByteTail ? 1 : Math.Min(997, total - ByteByByteTail - at);

    private static int Piece(int turn, int total) => Odd[turn % Odd.Length] * (total > 8192 ? 101 : 1);
}

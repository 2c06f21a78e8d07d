using System.Buffers.Binary;

namespace Sluice.Hostile.Support;

/// <summary>Masked frames as bytes, right or wrong.</summary>
internal static class Frames
{
    public static byte[] Of(int first, params byte[] payload)
    {
        byte[] frame = [.. Header(first, payload.Length), .. payload];
        for (var i = 0; i < payload.Length; i++) frame[frame.Length - payload.Length + i] ^= (byte)(i & 3);
        return frame;
    }

    public static byte[] Close(int code) => Of(0x88, (byte)(code >> 8), (byte)code);

    /// <summary>The same frame very many times.</summary>
    public static byte[] Many(int count, byte[] frame) => [.. Enumerable.Repeat(frame, count).SelectMany(f => f)];

    /// <summary>A header that announces so many bytes, with the masking key 00 01 02 03.</summary>
    public static byte[] Header(int first, long length)
    {
        byte[] bytes = length switch
        {
            >= 0 and < 126 => [(byte)first, (byte)(0x80 | length)],
            >= 0 and <= ushort.MaxValue => [(byte)first, 0xfe, (byte)(length >> 8), (byte)length],
            _ => [(byte)first, 0xff, 0, 0, 0, 0, 0, 0, 0, 0],
        };
        if (bytes.Length == 10) BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(2), length);
        return [.. bytes, 0, 1, 2, 3];
    }
}

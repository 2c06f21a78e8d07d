using System.Buffers.Binary;
using System.Text;

namespace Sluice.AspNetCore.Tests.Support;

/// <summary>A client's frames as bytes, made here, so that the library does not test itself.</summary>
internal static class MaskedFrame
{
    public static byte[] Text(string text) => Of(0x81, Encoding.UTF8.GetBytes(text));

    public static byte[] Binary(byte[] payload) => Of(0x82, payload);

    public static byte[] Close(int code, string reason = "")
    {
        byte[] payload = [(byte)(code >> 8), (byte)code, .. Encoding.UTF8.GetBytes(reason)];
        return Of(0x88, payload);
    }

    public static byte[] Of(byte first, byte[] payload)
    {
        byte[] key = [0x37, 0xfa, 0x21, 0x3d];
        byte[] length = payload.Length switch
        {
            < 126 => [(byte)(0x80 | payload.Length)],
            <= ushort.MaxValue => [0xfe, (byte)(payload.Length >> 8), (byte)payload.Length],
            _ => [0xff, .. EightBytes(payload.Length)],
        };
        byte[] frame = [first, .. length, .. key, .. payload];
        var start = frame.Length - payload.Length;
        for (var i = 0; i < payload.Length; i++) frame[start + i] ^= key[i & 3];
        return frame;
    }

    private static byte[] EightBytes(long value)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(bytes, value);
        return bytes;
    }
}

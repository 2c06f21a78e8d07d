using System.Buffers.Binary;

namespace Sluice.Tests.Protocol;

/// <summary>Frames put together byte by byte as RFC 6455 §5.2 draws them, without any of Sluice's own code.</summary>
internal static class Wire
{
    public static readonly byte[] Key = [0x37, 0xFA, 0x21, 0x3D];

    public static byte[] Hex(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    /// <param name="first">FIN, reserved bits and opcode.</param>
    /// <param name="payload">The payload, not masked.</param>
    /// <param name="masked">As a client sends it.</param>
    public static byte[] Frame(int first, byte[] payload, bool masked)
    {
        var bytes = new List<byte> { (byte)first };
        var mask = masked ? 0x80 : 0;
        if (payload.Length < 126)
        {
            bytes.Add((byte)(mask | payload.Length));
        }
        else if (payload.Length <= 0xFFFF)
        {
            bytes.Add((byte)(mask | 126));
            bytes.AddRange([(byte)(payload.Length >> 8), (byte)payload.Length]);
        }
        else
        {
            bytes.Add((byte)(mask | 127));
            var length = new byte[8];
            BinaryPrimitives.WriteInt64BigEndian(length, payload.Length);
            bytes.AddRange(length);
        }
        if (masked)
        {
            bytes.AddRange(Key);
            bytes.AddRange(payload.Select((b, i) => (byte)(b ^ Key[i % 4])));
        }
        else
        {
            bytes.AddRange(payload);
        }
        return [.. bytes];
    }

    public static byte[] Text(string text, bool masked, int first = 0x81) => Frame(first, System.Text.Encoding.UTF8.GetBytes(text), masked);

    public static byte[] Close(int code, string reason, bool masked)
        => Frame(0x88, [(byte)(code >> 8), (byte)code, .. System.Text.Encoding.UTF8.GetBytes(reason)], masked);

    public static byte[] Join(params byte[][] parts) => [.. parts.SelectMany(p => p)];
}

using System.Security.Cryptography;
using System.Text;

namespace Sluice.Handshake;

/// <summary>The <c>Sec-WebSocket-Key</c> of a request and the <c>Sec-WebSocket-Accept</c> that answers it (RFC 6455 §4.1, §4.2.2).</summary>
public static class HandshakeKey
{
    // RFC 6455 §1.3: an arbitrary value that a server which does not speak WebSocket would not use.
    private static ReadOnlySpan<byte> AcceptGuid => "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"u8;

    private const int KeyBytes = 16;
    private const int KeyLength = 24; // 16 bytes of base64

    /// <summary>A new key: 16 random bytes in base64 (RFC 6455 §4.1, item 7). Thread-safe.</summary>
    public static string Create()
    {
        Span<byte> nonce = stackalloc byte[KeyBytes];
        RandomNumberGenerator.Fill(nonce);
        return Convert.ToBase64String(nonce);
    }

    /// <summary>Whether the value is what §4.2.1 asks for: exactly 16 bytes in base64, nothing around them.</summary>
    public static bool IsValid(ReadOnlySpan<char> key)
    {
        Span<byte> nonce = stackalloc byte[KeyBytes];
        return key.Length == KeyLength
            && !key.ContainsAny(" \t\r\n") // the decoder would pass over white space
            && Convert.TryFromBase64Chars(key, nonce, out var written)
            && written == KeyBytes;
    }

    /// <summary>The accept value for a key: base64 of the SHA-1 of the key and a fixed GUID (RFC 6455 §4.2.2, item 5.4).</summary>
    /// <param name="key">The key as it stood in the request, 24 characters.</param>
    /// <returns>28 characters of base64.</returns>
    /// <exception cref="ArgumentException">The key is not a valid one (see <see cref="IsValid"/>).</exception>
    public static string ComputeAccept(ReadOnlySpan<char> key)
    {
        if (!IsValid(key)) throw new ArgumentException("a key is 16 bytes in base64, 24 characters", nameof(key));
        Span<byte> input = stackalloc byte[KeyLength + 36];
        Encoding.ASCII.GetBytes(key, input);
        AcceptGuid.CopyTo(input[KeyLength..]);
        Span<byte> hash = stackalloc byte[SHA1.HashSizeInBytes];
#pragma warning disable CA5350 // The RFC prescribes SHA-1; it guards against mistaken servers, not against forgery (§10.8).
        SHA1.HashData(input, hash);
#pragma warning restore CA5350
        return Convert.ToBase64String(hash);
    }
}

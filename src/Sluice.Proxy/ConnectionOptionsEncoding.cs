using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Sluice.Proxy;

/// <summary>
/// Reads the values of <c>Connection</c> so that Kestrel leaves them whole. When all the options that Kestrel knows come down
/// to one (<c>keep-alive</c>, <c>close</c> or <c>upgrade</c>), it replaces the fields by that one before the application sees
/// them, and the names of further hop-by-hop fields are gone: <c>close, X-Secret</c> would let <c>X-Secret</c> pass
/// (RFC 9110 §7.6.1). Hence <c>keep-alive</c>, which says nothing in HTTP/1.1, is taken off where it is the only known
/// option of a line, and added where it is not. An HTTP/1.0 connection thus ends with its response, as it must at a
/// proxy (RFC 9112 §9.3).
/// </summary>
internal sealed class ConnectionOptionsEncoding : Encoding
{
    private const string KeepAlive = "keep-alive";

    private static readonly ConnectionOptionsEncoding Instance = new();

    private readonly Encoding _bytes = GetEncoding("us-ascii", EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback);

    /// <summary>Has this server read its requests' <c>Connection</c> so; other fields are read as before.</summary>
    /// <returns>How requests' fields were read before.</returns>
    public static Func<string, Encoding?> Install(KestrelServerOptions kestrel)
    {
        if (kestrel.RequestHeaderEncodingSelector.Target is Selector installed) return installed.Others;
        var others = kestrel.RequestHeaderEncodingSelector;
        kestrel.RequestHeaderEncodingSelector = new Selector(others).Select;
        return others;
    }

    public override int GetCharCount(byte[] bytes, int index, int count) => Read(bytes.AsSpan(index, count)).Length;

    public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex)
    {
        var value = Read(bytes.AsSpan(byteIndex, byteCount));
        value.CopyTo(chars.AsSpan(charIndex));
        return value.Length;
    }

    public override int GetMaxCharCount(int byteCount) => byteCount + KeepAlive.Length + 1;

    public override int GetByteCount(char[] chars, int index, int count) => _bytes.GetByteCount(chars, index, count);

    public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex) =>
        _bytes.GetBytes(chars, charIndex, charCount, bytes, byteIndex);

    public override int GetMaxByteCount(int charCount) => _bytes.GetMaxByteCount(charCount);

    // Written anew without white space, so that Kestrel and this agree on what the options are.
    private string Read(ReadOnlySpan<byte> bytes)
    {
        var options = _bytes.GetString(bytes).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).ToList();
        var isKnown = options.Exists(o => Is(o, "close") || Is(o, "upgrade"));
        options.RemoveAll(o => Is(o, KeepAlive));
        if (isKnown) options.Add(KeepAlive);
        return string.Join(',', options);
    }

    private static bool Is(string option, string known) => option.Equals(known, StringComparison.OrdinalIgnoreCase);

    private sealed class Selector(Func<string, Encoding?> others)
    {
        public Func<string, Encoding?> Others => others;

        public Encoding? Select(string name) =>
            name.Equals("Connection", StringComparison.OrdinalIgnoreCase) ? Instance : others(name);
    }
}

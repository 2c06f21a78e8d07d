using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Sluice.Handshake;

/// <summary>
/// A host and an optional port, as <c>Host</c> and <c>Origin</c> have them (RFC 3986 §3.2, no user information).
/// </summary>
internal readonly ref struct Authority
{
    /// <summary>Four times what DNS allows for a name.</summary>
    public const int MaxLength = 1024;

    // RFC 3986 §3.2.2: reg-name, which also covers IPv4 addresses.
    private static readonly SearchValues<char> NameCharacters = SearchValues.Create(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~%!$&'()*+,;=");

    // An IPv6 address without a zone, which means nothing outside of its machine.
    private static readonly SearchValues<char> AddressCharacters = SearchValues.Create("0123456789ABCDEFabcdef:.");

    private Authority(ReadOnlySpan<char> host, int? port)
    {
        Host = host;
        Port = port;
    }

    /// <summary>A name, or an address; IPv6 in brackets.</summary>
    public ReadOnlySpan<char> Host { get; }

    /// <summary>Null when none stands there.</summary>
    public int? Port { get; }

    public static bool TryParse(ReadOnlySpan<char> text, out Authority authority)
    {
        authority = default;
        if (text.Length > MaxLength) return false;
        var end = text.StartsWith('[') ? text.IndexOf(']') + 1 : text.IndexOf(':');
        if (end < 0) end = text.Length;
        var host = text[..end];
        if (!IsHost(host) || !TryParsePort(text[end..], out var port)) return false;
        authority = new Authority(host, port);
        return true;
    }

    /// <summary>Whether both name the same host: names without regard to case, IPv6 addresses by value.</summary>
    public bool HasHost(ReadOnlySpan<char> other) =>
        TryParseAddress(Host, out var left) && TryParseAddress(other, out var right)
            ? left.Equals(right)
            : HttpGrammar.EqualsIgnoreCase(Host, other);

    private static bool IsHost(ReadOnlySpan<char> host) =>
        host.StartsWith('[') ? TryParseAddress(host, out _) : !host.IsEmpty && !host.ContainsAnyExcept(NameCharacters);

    private static bool TryParseAddress(ReadOnlySpan<char> host, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        return host.StartsWith('[')
            && host.EndsWith(']')
            && host.Contains(':')
            && !host[1..^1].ContainsAnyExcept(AddressCharacters)
            && IPAddress.TryParse(host[1..^1], out address);
    }

    // An empty port is none (RFC 3986 §6.2.3).
    private static bool TryParsePort(ReadOnlySpan<char> text, out int? port)
    {
        port = null;
        if (text.IsEmpty) return true;
        if (text[0] != ':' || text.Length > 6) return false;
        var number = 0;
        foreach (var digit in text[1..])
        {
            if (!char.IsAsciiDigit(digit)) return false;
            number = (number * 10) + (digit - '0');
        }

        if (text.Length > 1) port = number;
        return number <= ushort.MaxValue;
    }
}

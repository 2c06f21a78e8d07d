using System.Security.Cryptography;
using System.Text;

namespace Sluice.Conformance.Wire;

/// <summary>Opening handshakes as text, made from RFC 6455 §4 alone.</summary>
internal static class Http
{
    public const string Key = "dGhlIHNhbXBsZSBub25jZQ=="; // RFC 6455 §1.3

    public const string Accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

    /// <summary>A request that opens a WebSocket; a line of the same name replaces one, an empty value leaves it out.</summary>
    public static string Request(string path, params IReadOnlyList<string> changes) => Request($"GET {path} HTTP/1.1", changes, "Host: 127.0.0.1");

    public static string Request(string requestLine, IReadOnlyList<string> changes, params IReadOnlyList<string> more) => Head(
        requestLine,
        [
            .. more,
            "Upgrade: websocket",
            "Connection: Upgrade",
            $"Sec-WebSocket-Key: {Key}",
            "Sec-WebSocket-Version: 13",
        ],
        changes);

    /// <summary>A response that accepts, to a request.</summary>
    public static string Response(string request, params IReadOnlyList<string> changes) => Head(
        "HTTP/1.1 101 Switching Protocols",
        ["Upgrade: websocket", "Connection: Upgrade", $"Sec-WebSocket-Accept: {AcceptOf(Value(request, "Sec-WebSocket-Key")!)}"],
        changes);

    /// <summary>RFC 6455 §4.2.2, item 5.4.</summary>
    public static string AcceptOf(string key)
    {
#pragma warning disable CA5350 // what the RFC prescribes
        return Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
    }

    public static int Status(string head) => int.Parse(head.AsSpan(9, 3), provider: null);

    /// <summary>The values of a header field, joined by commas; null when there is none.</summary>
    public static string? Value(string head, string name)
    {
        var values = Values(head, name);
        return values.Count == 0 ? null : string.Join(", ", values);
    }

    public static IReadOnlyList<string> Values(string head, string name)
        => [.. head.Split("\r\n").Where(line => HasName(line, name)).Select(line => line[(name.Length + 1)..].Trim())];

    public static string Head(string first, IReadOnlyList<string> lines, IReadOnlyList<string> changes)
    {
        var names = changes.Select(change => change.Split(':')[0]).ToArray();
        var kept = lines.Where(line => !names.Any(name => HasName(line, name)));
        var added = changes.Where(change => !change.EndsWith(':'));
        return $"{first}\r\n{string.Concat(kept.Concat(added).Select(line => line + "\r\n"))}\r\n";
    }

    private static bool HasName(string line, string name) => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase);
}

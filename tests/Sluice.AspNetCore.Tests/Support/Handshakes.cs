namespace Sluice.AspNetCore.Tests.Support;

/// <summary>Opening handshakes as bytes on the wire.</summary>
internal static class Handshakes
{
    public const string Key = "dGhlIHNhbXBsZSBub25jZQ=="; // RFC 6455 §1.3

    public const string Accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

    /// <summary>A request that opens a WebSocket, with headers replaced or, given as <see langword="null"/>, left out.</summary>
    public static string Request(int port, string path, params IReadOnlyList<(string Name, string? Value)> changes)
    {
        var headers = new List<(string Name, string? Value)>
        {
            ("Host", $"127.0.0.1:{port}"),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", Key),
            ("Sec-WebSocket-Version", "13"),
        };
        foreach (var change in changes)
        {
            headers.RemoveAll(header => header.Name == change.Name);
            headers.Add(change);
        }
        var lines = headers.Where(header => header.Value is not null).Select(header => $"{header.Name}: {header.Value}\r\n");
        return $"GET {path} HTTP/1.1\r\n{string.Concat(lines)}\r\n";
    }
}

using System.Buffers;
using Sluice.Handshake;

namespace Sluice;

/// <summary>Which header fields a caller may add to the opening handshake, and what may stand in them.</summary>
internal static class RequestFields
{
    /// <summary>The most fields that a caller may add.</summary>
    public const int MaxCount = 256;

    // RFC 9110 §5.5 without obs-text: what is beyond ASCII has no agreed meaning.
    private static readonly SearchValues<char> ValueCharacters = SearchValues.Create(
        ['\t', .. Enumerable.Range(' ', '~' - ' ' + 1).Select(static character => (char)character)]);

    // What the handshake or HTTP itself sets, each with the way to get what the caller may have wanted.
    private static readonly Dictionary<string, string> Reserved = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Connection"] = "the opening handshake sets it",
        ["Upgrade"] = "the opening handshake sets it",
        ["Sec-WebSocket-Key"] = "the opening handshake sets it",
        ["Sec-WebSocket-Version"] = "the opening handshake sets it",
        ["Sec-WebSocket-Accept"] = "only a server sends it",
        ["Sec-WebSocket-Extensions"] = "the opening handshake sets it",
        ["Sec-WebSocket-Protocol"] = $"use {nameof(WebSocketClientOptions.Subprotocols)}",
        ["Origin"] = $"use {nameof(WebSocketClientOptions.Origin)}",
        ["Transfer-Encoding"] = "an opening handshake has no body",
        ["Expect"] = "an opening handshake has no body",
        ["Trailer"] = "an opening handshake has no body",
        ["TE"] = "it would need a place in Connection, which the opening handshake sets",
        ["Keep-Alive"] = "the connection becomes a WebSocket",
        ["Proxy-Connection"] = "the connection becomes a WebSocket",
        ["Allow"] = "it belongs to a response",
        ["Expires"] = "it belongs to a response",
        ["Last-Modified"] = "it belongs to a response",
    };

    /// <summary>A checked copy.</summary>
    /// <exception cref="ArgumentException">A name or value breaks the grammar, is not the caller's to set, or there are too many.</exception>
    public static KeyValuePair<string, string>[] Copy(IReadOnlyCollection<KeyValuePair<string, string>> fields, string parameter)
    {
        ArgumentNullException.ThrowIfNull(fields, parameter);
        if (fields.Count > MaxCount)
        {
            throw new ArgumentException($"{fields.Count} headers are too many; at most {MaxCount} are taken", parameter);
        }
        KeyValuePair<string, string>[] copy = [.. fields];
        foreach (var (name, value) in copy)
        {
            CheckName(name, parameter);
            CheckValue(name, value, parameter);
        }
        return copy;
    }

    /// <summary>Refuses what would end the line or say nothing definite.</summary>
    public static void CheckValue(string name, string? value, string parameter)
    {
        if (value is null)
        {
            throw new ArgumentException($"the header {name} has no value; leave it out, or give it an empty one", parameter);
        }
        if (!value.AsSpan().ContainsAnyExcept(ValueCharacters)) return;
        // The value may be a secret, so it is not quoted.
        var words = $"the header {name} may hold printable ASCII and tabs only (RFC 9110 §5.5); encode the rest";
        throw new ArgumentException(words, parameter);
    }

    private static void CheckName(string? name, string parameter)
    {
        if (!HttpGrammar.IsToken(name))
        {
            var words = $"{Excerpt.Of(name)} is no header name (RFC 9110 §5.1): it may have letters, digits and !#$%&'*+-.^_`|~";
            throw new ArgumentException(words, parameter);
        }
        if (Reserved.TryGetValue(name!, out var instead)) throw new ArgumentException($"{name} can't be added: {instead}", parameter);
        if (name!.StartsWith("Content-", StringComparison.OrdinalIgnoreCase))
        {
            throw new ArgumentException($"{name} can't be added: an opening handshake has no body", parameter);
        }
    }
}

using System.Buffers;
using System.Text;
using Sluice.Handshake;

namespace Sluice;

/// <summary>Turns a server's answer that opens no WebSocket into an exception that has all of it, within bounds.</summary>
internal static class Refusal
{
    // What can stand in the excerpt of the body, with room for what is dropped.
    private const int LookedAt = 1024;

    private static readonly TimeSpan BodyTimeout = TimeSpan.FromSeconds(2);

    /// <summary>A status other than 101, or 200 over HTTP/2.</summary>
    /// <param name="url">Who answered.</param>
    /// <param name="response">The answer; stays the caller's to dispose.</param>
    /// <param name="options">How much of the body is read, and whether redirects were followed.</param>
    /// <param name="cancellation">Ends the reading of the body; what came by then is kept.</param>
    public static async Task<HandshakeException> ReadAsync(
        Uri url, HttpResponseMessage response, WebSocketClientOptions options, CancellationToken cancellation)
    {
        var body = await ReadBodyAsync(response.Content, options.MaxRefusalBody, cancellation).ConfigureAwait(false);
        var advice = Advice((int)response.StatusCode, response, options.MaxRedirects);
        var line = FirstLine(body.Span);
        var outline = Outline(url, response);
        var message = line.Length == 0 ? outline + advice : $"{outline}: {Excerpt.Of(line)}{advice}";
        return Create(ConnectFailure.Refused, message, response, body, outline + advice);
    }

    /// <summary>Takes no answer of too many fields. How many bytes they have, the handler has counted.</summary>
    /// <exception cref="HandshakeException">There are too many.</exception>
    public static void CheckSize(Uri url, HttpResponseMessage response, int most)
    {
        var count = 0;
        foreach (var field in response.Headers.NonValidated) count += field.Value.Count;
        foreach (var field in response.Content.Headers.NonValidated) count += field.Value.Count;
        if (count <= most) return;
        var words = $"{Name(url)} answered with {count} header fields, more than {nameof(WebSocketClientOptions.MaxResponseFields)} allows ({most})";
        throw new HandshakeException(ConnectFailure.InvalidResponse, words);
    }

    /// <summary>An answer that opens a WebSocket and breaks a rule.</summary>
    public static HandshakeException InvalidUpgrade(Uri url, HttpResponseMessage response, string why)
        => Create(ConnectFailure.InvalidUpgrade, $"{Name(url)} answered the opening handshake wrongly: {why}", response, body: default, summary: null);

    private static HandshakeException Create(
        ConnectFailure failure, string message, HttpResponseMessage response, ReadOnlyMemory<byte> body, string? summary) => new(failure, message)
        {
            Summary = summary!,
            Status = (int)response.StatusCode,
            Reason = response.ReasonPhrase ?? "",
            Headers = CopyHeaders(response),
            Body = body,
        };

    private static string Outline(Uri url, HttpResponseMessage response)
    {
        var outline = $"{Name(url)} refused the WebSocket with {(int)response.StatusCode}";
        return string.IsNullOrWhiteSpace(response.ReasonPhrase) ? outline : $"{outline} {Plain(response.ReasonPhrase)}";
    }

    private static string Advice(int status, HttpResponseMessage response, int maxRedirects) => status switch
    {
        >= 300 and < 400 when Location(response) is { } location
            => maxRedirects == 0
                ? $"; it points to {Excerpt.Of(location)}, and redirects are not followed: connect there if you trust it"
                : $"; it points to {Excerpt.Of(location)}, and no more than {maxRedirects} redirects are followed",
        401 => "; it wants credentials, as in an Authorization header",
        407 => "; a proxy wants credentials: set them in the handler",
        >= 200 and < 300 => "; the address serves something else",
        _ => "",
    };

    private static string? Location(HttpResponseMessage response)
        => response.Headers.NonValidated.TryGetValues("Location", out var values) ? values.ToString() : null;

    // An excerpt has quotes around it, which a reason phrase does not want.
    private static string Plain(string reason)
    {
        var quoted = Excerpt.Of(reason.Trim());
        return quoted[1..^1];
    }

    private static string Name(Uri url) => $"{url.Scheme}://{url.Authority}";

    private static string FirstLine(ReadOnlySpan<byte> body)
    {
        var text = Encoding.UTF8.GetString(body[..Math.Min(body.Length, LookedAt)]).AsSpan().TrimStart();
        var end = text.IndexOfAny('\r', '\n');
        return (end < 0 ? text : text[..end]).TrimEnd().ToString();
    }

    private static Dictionary<string, IReadOnlyList<string>> CopyHeaders(HttpResponseMessage response)
    {
        var copy = new Dictionary<string, IReadOnlyList<string>>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, values) in response.Headers.NonValidated) copy[name] = [.. values];
        foreach (var (name, values) in response.Content.Headers.NonValidated) copy[name] = [.. values];
        return copy;
    }

    private static async Task<ReadOnlyMemory<byte>> ReadBodyAsync(HttpContent content, int limit, CancellationToken cancellation)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(BodyTimeout);
        var body = new ArrayBufferWriter<byte>();
        try
        {
            var stream = await content.ReadAsStreamAsync(timeout.Token).ConfigureAwait(false);
            while (body.WrittenCount < limit)
            {
                var target = body.GetMemory();
                target = target[..Math.Min(target.Length, limit - body.WrittenCount)];
                var length = await stream.ReadAsync(target, timeout.Token).ConfigureAwait(false);
                if (length == 0) break;
                body.Advance(length);
            }
        }
        catch (Exception e) when (e is IOException or HttpRequestException or OperationCanceledException)
        {
            // The status is the news; what came of the body stands beside it.
        }
        return body.WrittenMemory;
    }
}

namespace Sluice.Proxy;

/// <summary>Checks a backend's URL when the proxy is mapped, so that a mistake is seen at the start.</summary>
internal static class BackendUrl
{
    /// <summary>The URL that the text is.</summary>
    /// <exception cref="ArgumentException">The text is not a URL that can be proxied to; the message says why.</exception>
    public static Uri Parse(string backend)
    {
        ArgumentNullException.ThrowIfNull(backend);
        return Uri.TryCreate(backend, UriKind.Absolute, out var url)
            ? Check(url)
            : throw new ArgumentException(Message(backend, "is not an absolute URL"), nameof(backend));
    }

    /// <summary>The URL itself, once it was found fit.</summary>
    /// <exception cref="ArgumentException">It can't be proxied to; the message says why.</exception>
    public static Uri Check(Uri backend)
    {
        ArgumentNullException.ThrowIfNull(backend);
        return ProblemOf(backend) is { } problem
            ? throw new ArgumentException(Message(backend.IsAbsoluteUri && backend.UserInfo.Length > 0 ? "(hidden)" : backend.OriginalString, problem), nameof(backend))
            : backend;
    }

    private static string? ProblemOf(Uri url)
    {
        if (!url.IsAbsoluteUri) return "is not an absolute URL";
        if (url.Scheme == Uri.UriSchemeWs) return "starts with ws; write http, which serves WebSocket too";
        if (url.Scheme == Uri.UriSchemeWss) return "starts with wss; write https, which serves WebSocket too";
        if (url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps) return "starts with neither http nor https";
        if (url.Host.Length == 0 || url.Port == 0) return "names no host, or port 0";
        if (url.UserInfo.Length > 0) return "carries a user name or password, which would not be sent";
        return url.Fragment.Length > 0 ? "carries a fragment (#…), which is never sent" : null;
    }

    private static string Message(string url, string problem) =>
        $"the backend's URL '{url}' {problem}; it should look like http://127.0.0.1:8080 or https://host/prefix";
}

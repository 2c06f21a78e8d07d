using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;

namespace Sluice.Cli.Options;

/// <summary>Where a server listens: <c>http://127.0.0.1:8080</c>, <c>https://localhost:8443</c>, <c>http://*:80</c>; port 0 for any free one.</summary>
internal sealed record ListenUrl(bool Tls, IPAddress? Address, int Port)
{
    /// <summary>The address; <see langword="null"/> stands for localhost, both IPv4 and IPv6.</summary>
    public IPAddress? Address { get; } = Address;

    public static Option<ListenUrl[]> Option(string description) => new("--listen")
    {
        Description = description,
        HelpName = "URL",
        CustomParser = result => [.. result.Tokens.Select(token => Parse(result, token.Value)).OfType<ListenUrl>()],
    };

    public static ListenUrl? TryParse(string text, out string error)
    {
        error = "";
        // Uri refuses a star as a host.
        var isAny = text.Contains("://*", StringComparison.Ordinal) || text.Contains("://+", StringComparison.Ordinal);
        var readable = isAny ? text.Replace("://*", "://0.0.0.0", StringComparison.Ordinal).Replace("://+", "://0.0.0.0", StringComparison.Ordinal) : text;
        if (!Uri.TryCreate(readable, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
        {
            error = $"'{text}' is no address to listen on; write http://127.0.0.1:8080 or https://localhost:8443";
        }
        else if (url.PathAndQuery != "/" || url.UserInfo.Length > 0 || url.Fragment.Length > 0)
        {
            error = $"'{text}': an address to listen on has no path, query or user";
        }
        else if (isAny)
        {
            return new ListenUrl(url.Scheme == "https", IPAddress.IPv6Any, url.Port);
        }
        else if (url.IsLoopback && url.HostNameType == UriHostNameType.Dns)
        {
            return new ListenUrl(url.Scheme == "https", null, url.Port);
        }
        else if (IPAddress.TryParse(url.IdnHost, out var address))
        {
            return new ListenUrl(url.Scheme == "https", address, url.Port);
        }
        else
        {
            error = $"'{text}': listen on an IP address, localhost or *, not on a name";
        }
        return null;
    }

    private static ListenUrl? Parse(ArgumentResult result, string text)
    {
        var url = TryParse(text, out var error);
        if (url is null) result.AddError(error);
        return url;
    }
}

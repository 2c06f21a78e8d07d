using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Sluice.Cli.Options;

namespace Sluice.Cli.Connect;

/// <summary>The options of <c>sluice connect</c> that say how the server is reached.</summary>
internal sealed class DialOptions
{
    private readonly Option<bool> _http2 = new("--http2") { Description = "Open the WebSocket over HTTP/2 (RFC 8441): over TLS where the server offers it; on ws:// nothing else is spoken." };
    private readonly Option<IWebProxy?> _proxy = new("--proxy") { Description = "Go through this proxy, as http://user:password@host:port or socks5://host:port; off for none. [default: what HTTP_PROXY, HTTPS_PROXY and ALL_PROXY name]", HelpName = "URL", CustomParser = ParseProxy };
    private readonly Option<Authorization?> _user = new("--user") { Description = "Show this user name and password in an Authorization header.", HelpName = "name:password", CustomParser = ParseUser };
    private readonly Option<Authorization?> _bearer = new("--bearer") { Description = "Show this token in an Authorization header.", HelpName = "token", CustomParser = ParseBearer };
    private readonly Option<int> _redirects = new("--max-redirects") { Description = "Follow so many redirects; another origin gets no credentials.", HelpName = "N", CustomParser = ParseRedirects };
    private readonly Option<bool> _insecure = new("--insecure") { Description = "Take any certificate; for tests." };
    private readonly Option<string?> _authorities = new("--cacert") { Description = "Trust the certificates in this PEM file, and no others.", HelpName = "file" };
    private readonly Setting<TimeSpan> _timeout = Duration.Option("--timeout", "How long connecting and the handshake may take.", TimeSpan.FromSeconds(15), TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));
    private readonly Setting<TimeSpan> _connectTimeout = Duration.Option("--connect-timeout", "How long connecting alone may take, name resolution included.", TimeSpan.FromSeconds(10), TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _http2, _proxy, _user, _bearer, _redirects, _insecure, _authorities, _timeout, _connectTimeout }) command.Add(option);
    }

    /// <summary>The client's options with these in them.</summary>
    /// <exception cref="UsageException">They contradict each other, or a file can't be read.</exception>
    public WebSocketClientOptions Apply(ParseResult result, Uri url, WebSocketClientOptions client)
    {
        bool Has(Option option) => result.GetResult(option) is { Implicit: false };
        if (Has(_insecure) && Has(_authorities)) throw new UsageException("--insecure takes any certificate, --cacert only some; leave out one of them");
        if (Has(_user) && Has(_bearer)) throw new UsageException("--user and --bearer both set the Authorization header; leave out one of them");
        return client with
        {
            HttpVersion = result.GetValue(_http2) ? HttpVersion.Version20 : HttpVersion.Version11,
            HttpVersionPolicy = url.Scheme is "ws" or "http" && result.GetValue(_http2) ? HttpVersionPolicy.RequestVersionExact : HttpVersionPolicy.RequestVersionOrLower,
            Proxy = result.GetValue(_proxy),
            Authorization = result.GetValue(_user) ?? result.GetValue(_bearer),
            MaxRedirects = result.GetValue(_redirects),
            Tls = ReadTls(result),
            HandshakeTimeout = _timeout.Read(result),
            ConnectTimeout = _connectTimeout.Read(result),
        };
    }

    private SslClientAuthenticationOptions? ReadTls(ParseResult result)
    {
#pragma warning disable CA5359 // what the user asked for
        if (result.GetValue(_insecure)) return new() { RemoteCertificateValidationCallback = static (_, _, _, _) => true };
#pragma warning restore CA5359
        return result.GetValue(_authorities) is { } file ? new() { CertificateChainPolicy = Trust(file) } : null;
    }

    private static X509ChainPolicy Trust(string file)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        try
        {
            policy.CustomTrustStore.ImportFromPemFile(file);
        }
        catch (Exception e) when (e is IOException or CryptographicException or UnauthorizedAccessException)
        {
            throw new UsageException($"can't read the certificates from --cacert: {e.Message}", e);
        }
        if (policy.CustomTrustStore.Count > 0) return policy;
        throw new UsageException($"there is no certificate in {file}; --cacert wants a PEM file (-----BEGIN CERTIFICATE-----)");
    }

    // The URL is not quoted in errors: it may hold a password.
    private static WebProxy? ParseProxy(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (text == "off") return new WebProxy();
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Host.Length == 0
            || url.Scheme is not ("http" or "https" or "socks4" or "socks4a" or "socks5"))
        {
            result.AddError("--proxy wants a URL with http, https, socks4, socks4a or socks5, as socks5://127.0.0.1:1080, or off");
            return null;
        }
        var proxy = new WebProxy(new UriBuilder(url) { UserName = "", Password = "" }.Uri);
        if (url.UserInfo.Length == 0) return proxy;
        var colon = url.UserInfo.IndexOf(':', StringComparison.Ordinal);
        var user = Uri.UnescapeDataString(colon < 0 ? url.UserInfo : url.UserInfo[..colon]);
        proxy.Credentials = new NetworkCredential(user, colon < 0 ? "" : Uri.UnescapeDataString(url.UserInfo[(colon + 1)..]));
        return proxy;
    }

    private static Authorization? ParseUser(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon >= 0 && !text.Any(char.IsControl)) return Authorization.Basic(text[..colon], text[(colon + 1)..]);
        result.AddError("--user wants name:password, without control characters");
        return null;
    }

    private static Authorization? ParseBearer(ArgumentResult result)
    {
        try
        {
            return Authorization.Bearer(result.Tokens[0].Value);
        }
        catch (ArgumentException)
        {
            result.AddError("--bearer wants a token of letters, digits and -._~+/=");
            return null;
        }
    }

    private static int ParseRedirects(ArgumentResult result)
    {
        if (int.TryParse(result.Tokens[0].Value, out var number) && number is >= 0 and <= 50) return number;
        result.AddError($"'{result.Tokens[0].Value}' is no number from 0 to 50 for --max-redirects");
        return 0;
    }
}

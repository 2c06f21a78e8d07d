using System.CommandLine;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Sluice.Cli.Options;

namespace Sluice.Cli.Hosting;

/// <summary>The options of every verb that listens: where, with which certificate, how long to drain, on which transport.</summary>
internal sealed class ListenOptions
{
    private const string Epoll = "epoll";

    private readonly Option<ListenUrl[]> _listen;
    private readonly Option<string?> _certificate = new("--cert") { Description = "The certificate for https, a PEM file; with --key.", HelpName = "file" };
    private readonly Option<string?> _key = new("--key") { Description = "The private key of --cert, a PEM file.", HelpName = "file" };
    private readonly Option<bool> _tls = new("--tls") { Description = "Serve https with a self-signed certificate made in memory." };
    private readonly Setting<TimeSpan> _drain = Duration.Option(
        "--drain", "How long a shutdown waits for open connections.", TimeSpan.FromSeconds(5), TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));

    private readonly Option<bool> _verbose = new("--verbose", "-v") { Description = "Log every connection." };
    private readonly ListenUrl? _default;

    private readonly Option<string> _transport = new("--transport")
    {
        Description = "What carries the bytes: epoll, event loops of our own where there is Linux, or sockets, ASP.NET Core's own.",
        DefaultValueFactory = _ => Epoll,
        HelpName = "name",
    };

    public ListenOptions(string description, ListenUrl? defaultUrl)
    {
        _listen = ListenUrl.Option(description);
        _listen.Required = defaultUrl is null;
        _default = defaultUrl;
        _transport.AcceptOnlyFromAmong(Epoll, "sockets");
    }

    public void AddTo(Command command)
    {
        command.Add(_listen);
        command.Add(_certificate);
        command.Add(_key);
        command.Add(_tls);
        command.Add(_drain);
        command.Add(_verbose);
        command.Add(_transport);
    }

    /// <exception cref="UsageException">The options contradict each other, or a file can't be read.</exception>
    public ListenSettings Read(ParseResult result)
    {
        if (FindContradiction(result) is { } contradiction) throw new UsageException(contradiction);
        var withTls = result.GetValue(_tls) || result.GetValue(_certificate) is not null;
        var urls = result.GetValue(_listen) is { Length: > 0 } given ? given : [_default! with { Tls = withTls }];
        return new ListenSettings(urls, FindCertificate(result), _drain.Read(result), result.GetValue(_verbose), result.GetValue(_transport) == Epoll);
    }

    // Options that contradict each other are refused, lest one be quietly without effect.
    private string? FindContradiction(ParseResult result)
    {
        var certificate = result.GetValue(_certificate);
        var key = result.GetValue(_key);
        var tls = result.GetValue(_tls);
        var urls = result.GetValue(_listen) ?? [];
        if (certificate is null != key is null) return "--cert and --key go together: one file has the certificate, one its key";
        if (tls && certificate is not null) return "--tls makes a certificate of its own; leave out --tls, or --cert and --key";
        if (urls.Any(url => url.Tls) && !tls && certificate is null) return "an https address needs --cert and --key, or --tls for a self-signed certificate";
        var isUseless = (tls || certificate is not null) && urls.Length > 0 && !urls.Any(url => url.Tls);
        return isUseless ? "a certificate is of no use: no --listen address begins with https://" : null;
    }

    private X509Certificate2? FindCertificate(ParseResult result)
    {
        if (result.GetValue(_tls)) return ServerCertificate.CreateSelfSigned(DateTimeOffset.UtcNow);
        if (result.GetValue(_certificate) is not { } file) return null;
        try
        {
            return ServerCertificate.Load(file, result.GetValue(_key)!);
        }
        catch (Exception e) when (e is IOException or CryptographicException or UnauthorizedAccessException)
        {
            throw new UsageException($"can't read the certificate from --cert and --key: {e.Message}", e);
        }
    }
}

/// <summary>Where to listen, as the command line says.</summary>
internal sealed record ListenSettings(ListenUrl[] Urls, X509Certificate2? Certificate, TimeSpan Drain, bool Verbose, bool Epoll);

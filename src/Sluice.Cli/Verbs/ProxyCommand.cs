using System.CommandLine;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Sluice.Cli.Hosting;
using Sluice.Cli.Options;
using Sluice.Proxy;
using Sluice.Transport.Epoll;

namespace Sluice.Cli.Verbs;

/// <summary><c>sluice proxy</c>: forwards HTTP and WebSocket to one backend.</summary>
internal static class ProxyCommand
{
    private const string Description = "Forward HTTP requests and WebSockets to one backend.";

    private const string Details = """
        The path of a request is joined to that of --to. A backend that is down gives 502, one that is late 504;
        a backend's refusal of a WebSocket reaches the client as it is.

        Examples:
          sluice proxy --listen http://127.0.0.1:8082 --to http://127.0.0.1:8080
          sluice proxy --listen https://0.0.0.0:443 --cert site.pem --key site.key --to http://10.0.0.5:8080/app

        Exit codes: 0 stopped by Ctrl+C or SIGTERM, 1 could not listen, 2 wrong usage.
        """;

    // The host cuts everything at the end of the drain; tunnels are to end, and be logged, before that.
    private static readonly TimeSpan LastMoment = TimeSpan.FromMilliseconds(500);

    // A tunnel has no pings of its own; TCP asks its clients whether they are still there, as it asks backends.
    private static readonly TimeSpan ClientKeepAliveTime = TimeSpan.FromSeconds(15);

    public static Command Create()
    {
        var listen = new Hosting.ListenOptions("An address to listen on; may be given several times.", defaultUrl: null);
        var to = new Option<string>("--to") { Description = "The backend, as http://127.0.0.1:8080 or https://host/prefix.", HelpName = "URL", Required = true };
        var connectTimeout = Duration.Option("--connect-timeout", "How long a connection to the backend may take.", TimeSpan.FromSeconds(5), TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));
        var responseTimeout = Duration.Option("--response-timeout", "How long the backend may take for the header of its response.", TimeSpan.FromSeconds(100), TimeSpan.FromMilliseconds(100), TimeSpan.FromDays(1), mayBeOff: true);
        var rewriteHost = new Option<bool>("--rewrite-host") { Description = "Show the backend its own Host instead of the client's." };
        var insecure = new Option<bool>("--insecure") { Description = "Take any certificate of an https backend; for tests." };

        var command = new VerbCommand("proxy", Description, Details);
        listen.AddTo(command);
        foreach (var option in new Option[] { to, connectTimeout, responseTimeout, rewriteHost, insecure }) command.Add(option);
        command.SetAction((result, cancellation) => Verb.RunAsync(result, () =>
        {
            var settings = listen.Read(result);
            var backend = result.GetValue(to)!;
            if (FindContradiction(settings, backend, result.GetValue(insecure)) is { } contradiction) throw new UsageException(contradiction);
            var options = new ProxyOptions
            {
                ConnectTimeout = connectTimeout.Read(result),
                ResponseTimeout = responseTimeout.Read(result),
                DrainTimeout = settings.Drain > 2 * LastMoment ? settings.Drain - LastMoment : settings.Drain / 2,
                PreserveHost = !result.GetValue(rewriteHost),
                InsecureBackend = result.GetValue(insecure),
            };
            return RunAsync(settings, backend, options, cancellation);
        }));
        return command;
    }

    // Every path is the backend's: the proxy has no endpoint of its own.
    private static async Task<int> RunAsync(ListenSettings settings, string backend, ProxyOptions options, CancellationToken cancellation)
    {
        var builder = ServerHost.CreateBuilder(settings, static _ => { });
        builder.Services.Configure<EpollTransportOptions>(static transport => transport.KeepAliveTime = ClientKeepAliveTime);
        var app = builder.Build();
        app.MapProxy("/{**path}", backend, options);
        return await ServerHost.RunAsync(app, cancellation).ConfigureAwait(false);
    }

    private static string? FindContradiction(ListenSettings settings, string backend, bool insecure)
    {
        if (!Uri.TryCreate(backend, UriKind.Absolute, out var url)) return null; // what is wrong with it, MapProxy says
        if (insecure && url.Scheme == Uri.UriSchemeHttp) return "--insecure is of no use: --to begins with http://, so there is no certificate";
        return settings.Urls.Any(listen => IsSame(listen, url)) ? "--to is an address of --listen: the proxy would forward to itself" : null;
    }

    private static bool IsSame(ListenUrl listen, Uri backend)
    {
        if (listen.Port != backend.Port) return false;
        if (listen.Address is not { } own || own.Equals(IPAddress.Any) || own.Equals(IPAddress.IPv6Any)) return backend.IsLoopback;
        return IPAddress.TryParse(backend.IdnHost, out var address) ? own.Equals(address) : backend.IsLoopback && IPAddress.IsLoopback(own);
    }
}

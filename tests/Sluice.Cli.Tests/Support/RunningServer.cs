using System.Globalization;
using System.Net.WebSockets;
using Sluice.Peers;

namespace Sluice.Cli.Tests.Support;

/// <summary><c>sluice serve</c> or <c>sluice proxy</c> in a process of its own, on a free port.</summary>
public sealed class RunningServer : IAsyncDisposable
{
    private static readonly HttpClient Http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false });

    private RunningServer(ProcessUnderTest process, Uri url)
    {
        Process = process;
        Url = url;
    }

    public ProcessUnderTest Process { get; }

    /// <summary>The address that it printed.</summary>
    public Uri Url { get; }

    public static Task<RunningServer> ServeAsync(params string[] options) => StartAsync("serve", "http", options);

    public static Task<RunningServer> ServeTlsAsync(params string[] options) => StartAsync("serve", "https", options);

    public static Task<RunningServer> ProxyAsync(Uri backend, params string[] options)
        => StartAsync("proxy", "http", ["--to", backend.ToString(), .. options]);

    public string WebSocketUrl(string path) => $"{(Url.Scheme == "https" ? "wss" : "ws")}://{Url.Authority}{path}";

    /// <summary>Connects with .NET's own client.</summary>
    public async Task<ClientWebSocket> ConnectAsync(string path, Action<ClientWebSocketOptions>? configure = null)
    {
        var client = new ClientWebSocket();
        client.Options.Proxy = null;
        configure?.Invoke(client.Options);
        await client.ConnectAsync(new Uri(WebSocketUrl(path)), Guard.Token());
        return client;
    }

    public async Task<(int Status, string Body)> GetAsync(string path)
    {
        using var response = await Http.GetAsync(new Uri(Url, path), Guard.Token());
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(Guard.Token()));
    }

    /// <summary>What <c>/metrics</c> says: a series with its labels to its value.</summary>
    public async Task<Dictionary<string, double>> MetricsAsync()
    {
        var (status, body) = await GetAsync("/metrics");
        status.ShouldBe(200);
        var series = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var line in body.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith('#')) continue;
            var space = line.LastIndexOf(' ');
            series[line[..space]] = double.Parse(line[(space + 1)..], CultureInfo.InvariantCulture);
        }
        return series;
    }

    /// <summary>Asks for <c>/metrics</c> again and again until it says so.</summary>
    public async Task<Dictionary<string, double>> WaitForMetricsAsync(Func<Dictionary<string, double>, bool> isSo, TimeSpan? within = null)
    {
        using var guard = new CancellationTokenSource(within ?? Guard.Time);
        while (true)
        {
            var metrics = await MetricsAsync();
            if (isSo(metrics)) return metrics;
            if (!guard.IsCancellationRequested) continue;
            throw new TimeoutException("the metrics never said so:\n" + string.Join('\n', metrics.Select(series => $"{series.Key} {series.Value}")));
        }
    }

    public ValueTask DisposeAsync() => Process.DisposeAsync();

    private static async Task<RunningServer> StartAsync(string verb, string scheme, string[] options)
    {
        var process = Command.Start([verb, "--listen", $"{scheme}://127.0.0.1:0", .. options]);
        const string Announcement = "listening on ";
        var line = await process.Error.WaitForLineAsync(line => line.StartsWith(Announcement, StringComparison.Ordinal));
        return new RunningServer(process, new Uri(line[Announcement.Length..]));
    }
}

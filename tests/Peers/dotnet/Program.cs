// The peer .NET: ASP.NET Core's built-in WebSocket server and ClientWebSocket. See ../README.md for the command line.
using System.Net.WebSockets;
using Sluice.Peers.DotNet;

const string Usage = """
    usage: dotnet server [--port N] [--subprotocol NAME]...
           dotnet client URL SCENARIO [NAME] [--origin O] [--header 'Name: value']...
    """;
TimeSpan timeout = TimeSpan.FromSeconds(60);

try
{
    return args switch
    {
        ["server", .. var rest] => await RunServerAsync(Arguments.Parse(rest, "port", "subprotocol")),
        ["client", .. var rest] => await RunClientAsync(Arguments.Parse(rest, "origin", "header")),
        _ => throw new FormatException("server or client is missing"),
    };
}
catch (FormatException e)
{
    await Console.Error.WriteLineAsync($"{e.Message}\n{Usage}");
    return 2;
}

static async Task<int> RunServerAsync(Arguments arguments)
{
    await EchoServer.RunAsync(int.Parse(arguments["port"].FirstOrDefault("0")), arguments["subprotocol"]);
    return 0;
}

async Task<int> RunClientAsync(Arguments arguments)
{
    if (arguments.Positional is not [var url, var scenario, .. var names])
        throw new FormatException("URL or SCENARIO is missing");
    using var deadline = new CancellationTokenSource(timeout);
    try
    {
        var client = new ScenarioClient(new Uri(url), arguments["origin"], arguments["header"], deadline.Token);
        Console.WriteLine($"ok {await client.RunAsync(scenario, names.FirstOrDefault())}");
        return 0;
    }
    catch (NotSupportedException)
    {
        Console.WriteLine("unsupported");
        return 64;
    }
    catch (OperationCanceledException) when (deadline.IsCancellationRequested)
    {
        return await FailAsync($"scenario {scenario}: not done after {timeout.TotalSeconds} s");
    }
    catch (Exception e) when (e is InvalidOperationException or WebSocketException or IOException)
    {
        return await FailAsync($"scenario {scenario}: {e.Message}");
    }
}

static async Task<int> FailAsync(string message)
{
    await Console.Error.WriteLineAsync(message);
    return 1;
}

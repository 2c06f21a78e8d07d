using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Sluice.AspNetCore;
using Sluice.Compression;
using Sluice.Peers;

namespace Sluice.Interop;

/// <summary>permessage-deflate with every parameter (RFC 7692 §7.1), against other people's compressors.</summary>
public sealed class CompressionTests(CompressionTests.Server server) : IClassFixture<CompressionTests.Server>
{
    private static readonly TimeSpan Guard = ProcessUnderTest.Guard;

    // What a client asks for; each value of each parameter, and mixtures.
    private static readonly string[] Parameters =
    [
        "",
        "server_no_context_takeover",
        "client_no_context_takeover",
        "server_no_context_takeover,client_no_context_takeover",
        .. Enumerable.Range(8, 8).Select(bits => $"server_max_window_bits={bits}"),
        "client_max_window_bits",
        .. Enumerable.Range(9, 7).Select(bits => $"client_max_window_bits={bits}"),
        "server_max_window_bits=9,client_max_window_bits=9",
        "server_max_window_bits=8,client_max_window_bits=15,client_no_context_takeover",
        "server_max_window_bits=10,client_max_window_bits=12,server_no_context_takeover",
        "server_max_window_bits=15,client_max_window_bits=9,server_no_context_takeover,client_no_context_takeover",
    ];

    private static readonly ConnectionOptions Large = new() { MaxMessageSize = 4 * 1024 * 1024 };

    public static TheoryData<string, string> PeersAndParameters
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var peer in new[] { Peer.NodeWs, Peer.PythonWebSockets })
            {
                foreach (var parameters in Parameters) data.Add(peer.Name, parameters);
            }
            // Python's zlib makes no raw compressor of 8 bits; Node's takes 9 instead, as we do.
            data.Add(Peer.NodeWs.Name, "client_max_window_bits=8");
            data.Add(Peer.NodeWs.Name, "server_max_window_bits=8,client_max_window_bits=8");
            return data;
        }
    }

    /// <summary>The same without what Python's library refuses of itself: its zlib makes no raw compressor of 8 bits, and as a
    /// server it wants a number.</summary>
    public static TheoryData<string, string> ServersAndParameters => [.. PeersAndParameters.Where(row => row.Data.Item1 != Peer.PythonWebSockets.Name
        || (!row.Data.Item2.Contains("server_max_window_bits=8", StringComparison.Ordinal) && row.Data.Item2 != "client_max_window_bits"))];

    [Theory, MemberData(nameof(PeersAndParameters))]
    public async Task A_peer_that_offers_them_is_served(string peer, string parameters)
    {
        var result = await Peer.Named(peer).RunClientAsync(server.Url(""), "echo", "--deflate", parameters);
        result.ExitCode.ShouldBe(0, result.ToString());
    }

    [Theory]
    [InlineData("node-ws", "fragments")]
    [InlineData("node-ws", "burst")]
    [InlineData("python-websockets", "fragments")]
    [InlineData("python-websockets", "burst")]
    public async Task Fragments_and_bursts_come_back(string peer, string scenario)
    {
        foreach (var parameters in new[] { "", "server_no_context_takeover,client_no_context_takeover" })
        {
            var result = await Peer.Named(peer).RunClientAsync(server.Url(""), scenario, "--deflate", parameters);
            result.ExitCode.ShouldBe(0, result.ToString());
        }
    }

    [Theory, MemberData(nameof(PeersAndParameters))]
    public async Task A_server_that_wishes_for_them_gets_them(string peer, string parameters)
    {
        // The peer offers everything that it can; the wishes are the server's.
        var offer = peer == Peer.NodeWs.Name ? "" : "client_max_window_bits";
        var result = await Peer.Named(peer).RunClientAsync(server.Url(parameters), "echo", "--deflate", offer);
        result.ExitCode.ShouldBe(0, result.ToString());
    }

    [Theory, MemberData(nameof(ServersAndParameters))]
    public async Task Our_client_offers_them_to_a_peer(string peer, string parameters)
    {
        var options = Options(parameters);
        await using var process = await Peer.Named(peer).StartCompressingServerAsync("");
        await EchoAsync(process.WebSocketUrl("/echo"), options, agreement =>
        {
            if (!options.ServerContextTakeover) agreement.ServerNoContextTakeover.ShouldBeTrue();
            agreement.ServerMaxWindowBits.ShouldBeLessThanOrEqualTo(options.ServerMaxWindowBits);
            agreement.ClientMaxWindowBits.ShouldBeLessThanOrEqualTo(options.ClientMaxWindowBits);
        });
    }

    [Theory, MemberData(nameof(ServersAndParameters))]
    public async Task Our_client_takes_them_from_a_peer(string peer, string parameters)
    {
        var wishes = Options(parameters);
        await using var process = await Peer.Named(peer).StartCompressingServerAsync(parameters);
        var options = new CompressionOptions { Threshold = 0, WindowBits = 15, ServerMaxWindowBits = wishes.ServerMaxWindowBits };
        await EchoAsync(process.WebSocketUrl("/echo"), options, agreement =>
        {
            agreement.ServerNoContextTakeover.ShouldBe(!wishes.ServerContextTakeover);
            agreement.ClientNoContextTakeover.ShouldBe(!wishes.ClientContextTakeover);
            agreement.ServerMaxWindowBits.ShouldBeLessThanOrEqualTo(wishes.ServerMaxWindowBits);
            if (parameters.Contains("client_max_window_bits=", StringComparison.Ordinal))
            {
                agreement.ClientMaxWindowBits.ShouldBeLessThanOrEqualTo(wishes.ClientMaxWindowBits);
            }
        });
    }

    private static async Task EchoAsync(Uri url, CompressionOptions options, Action<DeflateAgreement> check)
    {
        await using var socket = await WebSocketClient.ConnectAsync(url, new() { Connection = Large, Compression = options });
        check(socket.Compression.ShouldNotBeNull("the peer agreed to no compression"));
        foreach (var size in new[] { 0, 1, 125, 126, 5000, 65535, 65536, 1024 * 1024 })
        {
            var noise = new byte[size];
            new Random(size).NextBytes(noise);
            var text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, size / 9).Select(i => $"wört {i % 500} ")));
            foreach (var (type, payload) in new[] { (MessageType.Binary, noise), (MessageType.Text, text) })
            {
                var sending = socket.SendAsync(type, payload).AsTask();
                using var message = await socket.ReceiveAsync().AsTask().WaitAsync(Guard);
                message.Type.ShouldBe(type, socket.CloseResult?.ToString());
                message.Payload.Span.SequenceEqual(payload).ShouldBeTrue();
                await sending.WaitAsync(Guard);
            }
        }
        await using (var writer = await socket.OpenMessageAsync(MessageType.Text))
        {
            foreach (var part in new[] { "one ", "two ", "one two ", "three" }) await writer.WriteAsync(Encoding.UTF8.GetBytes(part));
        }
        using var whole = await socket.ReceiveAsync().AsTask().WaitAsync(Guard);
        whole.Text.ShouldBe("one two one two three");
        (await socket.CloseAsync().WaitAsync(Guard)).WasClean.ShouldBeTrue();
    }

    private static CompressionOptions Options(string parameters)
    {
        var options = new CompressionOptions { Threshold = 0, WindowBits = 15 };
        foreach (var parameter in parameters.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, value) = (parameter.Split('=')[0], parameter.Split('=').ElementAtOrDefault(1));
            options = name switch
            {
                "server_no_context_takeover" => options with { ServerContextTakeover = false },
                "client_no_context_takeover" => options with { ClientContextTakeover = false },
                "server_max_window_bits" => options with { ServerMaxWindowBits = int.Parse(value!) },
                _ => options with { ClientMaxWindowBits = value is null ? 15 : int.Parse(value) },
            };
        }
        return options;
    }

    /// <summary>An echo of ours for each set of wishes, in this process.</summary>
    public sealed class Server : IAsyncLifetime
    {
        private WebApplication? _app;

        internal Uri Url(string parameters)
            => new($"{_app!.Urls.Single().Replace("http", "ws", StringComparison.Ordinal)}/echo/{parameters.Replace(',', '+').Replace('=', '-')}");

        public async ValueTask InitializeAsync()
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            _app = builder.Build();
            foreach (var parameters in PeersAndParameters.Select(row => row.Data.Item2).Distinct())
            {
                var options = new WebSocketEndpointOptions { Connection = Large, Compression = Options(parameters) };
                _app.MapWebSocket($"/echo/{parameters.Replace(',', '+').Replace('=', '-')}", new Echo(), options);
            }
            await _app.StartAsync();
        }

        public async ValueTask DisposeAsync()
        {
            if (_app is not null) await _app.DisposeAsync();
        }
    }

    private sealed class Echo : IWebSocketHandler
    {
        public ValueTask OnMessageAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload)
            => connection.SendAsync(type, payload);
    }
}

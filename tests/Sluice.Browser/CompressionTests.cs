using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Sluice.AspNetCore;
using Sluice.Compression;
using Sluice.Handshake;

namespace Sluice.Browser;

/// <summary>Chromium's permessage-deflate, which offers <c>client_max_window_bits</c>, against an endpoint for each wish.</summary>
public sealed class CompressionTests(Chromium chromium) : IAsyncLifetime
{
    // Opens a socket, sends texts and bytes that compress well, a little, and not at all, and compares what comes back.
    private const string Echo = """
        async url => {
          const socket = new WebSocket(url);
          socket.binaryType = 'arraybuffer';
          await new Promise((resolve, reject) => { socket.onopen = resolve; socket.onerror = () => reject(new Error('no connection')); });
          const sent = ['', 'a', 'grüße 🌊 '.repeat(3), JSON.stringify({ list: Array(500).fill({ name: 'ärger', value: 1 }) }), 'x'.repeat(300000)];
          for (const size of [0, 1, 1000, 200000]) {
            const noise = new Uint8Array(size);
            for (let at = 0; at < size; at += 65536) crypto.getRandomValues(noise.subarray(at, Math.min(size, at + 65536)));
            sent.push(noise);
          }
          sent.push(...sent);
          const received = [];
          const all = new Promise((resolve, reject) => {
            socket.onmessage = event => { if (received.push(event.data) === sent.length) resolve(); };
            socket.onclose = event => reject(new Error(`closed with ${event.code} ${event.reason}`));
          });
          for (const message of sent) socket.send(message);
          await all;
          const same = (one, other) => typeof one === 'string' ? one === other
            : one.length === other.byteLength && new Uint8Array(other).every((value, i) => value === one[i]);
          const good = sent.every((message, i) => same(message, received[i]));
          const closed = new Promise(resolve => socket.onclose = event => resolve(event.code));
          socket.close(1000);
          return JSON.stringify({ extensions: socket.extensions, good, code: await closed });
        }
        """;

    private static readonly CompressionOptions[] Wishes =
    [
        .. from server in new[] { true, false }
           from client in new[] { true, false }
           select new CompressionOptions { Threshold = 0, ServerContextTakeover = server, ClientContextTakeover = client },
        .. Enumerable.Range(8, 8).Select(bits => new CompressionOptions { Threshold = 0, WindowBits = 15, ServerMaxWindowBits = bits }),
        .. Enumerable.Range(8, 8).Select(bits => new CompressionOptions { Threshold = 0, ClientMaxWindowBits = bits }),
        new CompressionOptions { Threshold = 0, ServerMaxWindowBits = 9, ClientMaxWindowBits = 10, ServerContextTakeover = false },
    ];

    private WebApplication? _app;

    public static TheoryData<int> Indices => [.. Enumerable.Range(0, Wishes.Length)];

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        foreach (var (i, wish) in Wishes.Index())
        {
            _app.MapWebSocket($"/{i}", new EchoHandler(), new WebSocketEndpointOptions { Compression = wish, Origins = OriginPolicy.Any });
        }
        await _app.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null) await _app.DisposeAsync();
    }

    [Theory, MemberData(nameof(Indices))]
    public async Task Chromium_gets_its_messages_back(int index)
    {
        var wish = Wishes[index];
        await using var context = await chromium.Browser.NewContextAsync();
        var page = await context.NewPageAsync();
        var url = $"{_app!.Urls.Single().Replace("http", "ws", StringComparison.Ordinal)}/{index}";
        var outcome = JsonDocument.Parse(await page.EvaluateAsync<string>(Echo, url)).RootElement;
        outcome.GetProperty("good").GetBoolean().ShouldBeTrue();
        outcome.GetProperty("code").GetInt32().ShouldBe(1000);
        var extensions = outcome.GetProperty("extensions").GetString()!;
        extensions.ShouldStartWith("permessage-deflate");
        Agreed("server_no_context_takeover", !wish.ServerContextTakeover);
        Agreed("client_no_context_takeover", !wish.ClientContextTakeover);
        Agreed($"server_max_window_bits={wish.ServerMaxWindowBits}", wish.ServerMaxWindowBits < 15);
        Agreed($"client_max_window_bits={wish.ClientMaxWindowBits}", wish.ClientMaxWindowBits < 15);

        void Agreed(string parameter, bool wanted) => extensions.Contains(parameter, StringComparison.Ordinal).ShouldBe(wanted, extensions);
    }

    private sealed class EchoHandler : IWebSocketHandler
    {
        public ValueTask OnMessageAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload)
            => connection.SendAsync(type, payload);
    }
}

using System.Net.WebSockets;
using System.Text;

namespace Sluice.Peers.DotNet;

/// <summary>Runs one scenario with ClientWebSocket against an echo server; throws what failed.</summary>
internal sealed class ScenarioClient(
    Uri url, IReadOnlyList<string> origins, IReadOnlyList<string> headers, CancellationToken deadline)
{
    private static readonly int[] Sizes = [0, 1, 125, 126, 127, 65535, 65536, 1024 * 1024];

    /// <summary>A line of details.</summary>
    /// <exception cref="NotSupportedException">ClientWebSocket cannot do what the scenario is about.</exception>
    public async Task<string> RunAsync(string scenario, string? name)
    {
        Func<ClientWebSocket, Task<string>> run = scenario switch
        {
            "echo" => EchoAsync,
            "fragments" => FragmentsAsync,
            "ping" => throw new NotSupportedException("ClientWebSocket sends no ping by hand"),
            "close" => _ => Task.FromResult("closed with 1000"),
            "subprotocol" when name is null => throw new InvalidOperationException("the name of a subprotocol is missing"),
            "subprotocol" => socket => Task.FromResult(AgreedSubprotocol(socket, name)),
            "burst" => BurstAsync,
            _ => throw new InvalidOperationException("no such scenario"),
        };
        using var socket = new ClientWebSocket();
        await ConnectAsync(socket, scenario == "subprotocol" ? ["x.unknown", name!] : []);
        string details = await run(socket);
        await CloseAsync(socket);
        return details;
    }

    private async Task ConnectAsync(ClientWebSocket socket, string[] subprotocols)
    {
        socket.Options.KeepAliveInterval = Timeout.InfiniteTimeSpan;
        socket.Options.CollectHttpResponseDetails = true;
        foreach (string origin in origins) socket.Options.SetRequestHeader("Origin", origin);
        foreach (string header in headers)
        {
            int colon = header.IndexOf(':');
            if (colon < 1) throw new FormatException($"--header wants 'Name: value', not '{header}'");
            socket.Options.SetRequestHeader(header[..colon].Trim(), header[(colon + 1)..].Trim());
        }

        foreach (string subprotocol in subprotocols) socket.Options.AddSubProtocol(subprotocol);
        try
        {
            await socket.ConnectAsync(url, deadline);
        }
        catch (WebSocketException e) when ((int)socket.HttpStatusCode is not (0 or 101))
        {
            throw new InvalidOperationException($"handshake refused with status {(int)socket.HttpStatusCode}", e);
        }
    }

    private async Task<string> EchoAsync(ClientWebSocket socket)
    {
        foreach (int size in Sizes)
        {
            await RoundTripAsync(socket, new Message(WebSocketMessageType.Text, TextOf(size)));
            await RoundTripAsync(socket, new Message(WebSocketMessageType.Binary, BytesOf(size)));
        }

        await RoundTripAsync(socket, new Message(WebSocketMessageType.Text, "Grüße, 世界 🚪 \0"u8.ToArray()));
        return $"{(2 * Sizes.Length) + 1} messages up to {Sizes[^1]} bytes";
    }

    private async Task<string> FragmentsAsync(ClientWebSocket socket)
    {
        // The first cut goes through a character: UTF-8 is judged over the message, not over the fragment.
        byte[] text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("à la carte — 世界 🚪", 20)));
        await FragmentedAsync(socket, new Message(WebSocketMessageType.Text, text), 1, 100, 100);
        await FragmentedAsync(socket, new Message(WebSocketMessageType.Binary, BytesOf(70_000)), 10, 66_000);
        return "a text message in 4 fragments, a binary one in 3";
    }

    private async Task FragmentedAsync(ClientWebSocket socket, Message message, params int[] cuts)
    {
        int start = 0;
        foreach (int cut in cuts)
        {
            await socket.SendAsync(message.Data[start..cut], message.Type, endOfMessage: false, deadline);
            start = cut;
        }

        await socket.SendAsync(message.Data[start..], message.Type, endOfMessage: true, deadline);
        await ExpectAsync(socket, message);
    }

    private static string AgreedSubprotocol(ClientWebSocket socket, string name) =>
        socket.SubProtocol == name
            ? $"subprotocol {name}"
            : throw new InvalidOperationException($"subprotocol '{socket.SubProtocol}' agreed instead of '{name}'");

    private async Task<string> BurstAsync(ClientWebSocket socket)
    {
        const int Count = 1000;
        static Message MessageAt(int i) => new(
            i % 2 == 0 ? WebSocketMessageType.Text : WebSocketMessageType.Binary,
            Encoding.UTF8.GetBytes($"message {i} ".PadRight(20 + (i % 200), '.')));

        async Task SendAllAsync()
        {
            for (int i = 0; i < Count; i++)
            {
                Message message = MessageAt(i);
                await socket.SendAsync(message.Data, message.Type, endOfMessage: true, deadline);
            }
        }

        Task sending = SendAllAsync();
        for (int i = 0; i < Count; i++) await ExpectAsync(socket, MessageAt(i));
        await sending;
        return $"{Count} messages in order";
    }

    private async Task RoundTripAsync(ClientWebSocket socket, Message message)
    {
        await socket.SendAsync(message.Data, message.Type, endOfMessage: true, deadline);
        await ExpectAsync(socket, message);
    }

    private async Task ExpectAsync(ClientWebSocket socket, Message sent)
    {
        string what = $"{sent.Type} message of {sent.Data.Length} bytes";
        Message received = await socket.ReceiveMessageAsync(deadline)
            ?? throw new InvalidOperationException(
                $"closed too early, with {(int?)socket.CloseStatus} '{socket.CloseStatusDescription}'");
        if (received.Type != sent.Type)
            throw new InvalidOperationException($"{what} came back as {received.Type}");
        if (!received.Data.Span.SequenceEqual(sent.Data.Span))
            throw new InvalidOperationException($"{what} came back changed ({received.Data.Length} bytes)");
    }

    private async Task CloseAsync(ClientWebSocket socket)
    {
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "done", deadline);
        if (socket.CloseStatus != WebSocketCloseStatus.NormalClosure)
        {
            throw new InvalidOperationException(
                $"closed with 1000, but {(int?)socket.CloseStatus} '{socket.CloseStatusDescription}' came back");
        }
    }

    private static byte[] TextOf(int size) => [.. Enumerable.Range(0, size).Select(i => (byte)('a' + (i % 26)))];

    private static byte[] BytesOf(int size) => [.. Enumerable.Range(0, size).Select(i => (byte)(((i * 31) + size) % 251))];
}

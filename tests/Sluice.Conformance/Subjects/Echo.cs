namespace Sluice.Conformance.Subjects;

/// <summary>The ways to send every message back.</summary>
internal sealed class Echo : IWebSocketHandler
{
    public static Echo Handler { get; } = new();

    public ValueTask OnMessageAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload)
        => connection.SendAsync(type, payload);

    public static Func<WebSocketConnection, Task> Of(Subject subject) => subject switch
    {
        Subject.ServerDirect or Subject.ServerEpoll or Subject.ServerHandler or Subject.ClientHandler => static connection => connection.RunAsync(Handler),
        Subject.ServerStreams => ByStreamsAsync,
        _ => ByCallsAsync,
    };

    public static async Task ByCallsAsync(WebSocketConnection connection)
    {
        await foreach (var message in connection.ReadAllAsync()) await connection.SendAsync(message);
    }

    public static async Task ByStreamsAsync(WebSocketConnection connection)
    {
        while (await connection.ReadMessageAsync() is { } reader)
        {
            await using (reader) await connection.SendAsync(reader.Type, await ReadAsync(reader));
        }
    }

    private static async Task<byte[]> ReadAsync(MessageReader reader)
    {
        var whole = new MemoryStream();
        byte[] small = new byte[7], large = new byte[5003];
        while (true)
        {
            var part = whole.Length < 1000 ? small : large;
            var count = await reader.ReadAsync(part.AsMemory());
            if (count == 0) return whole.ToArray();
            whole.Write(part, 0, count);
        }
    }
}

using System.IO.Pipelines;
using System.Net.WebSockets;
using System.Text;
using Sluice.Compression;
using Sluice.Handshake;
using Sluice.Protocol;

namespace Sluice.Client.Tests;

/// <summary>Compressed echo with .NET's own WebSocket on the other side, in both roles and with all of its options.</summary>
public class CompressionTests
{
    public static TheoryData<bool, bool, int, int> Settings
    {
        get
        {
            var data = new TheoryData<bool, bool, int, int>();
            foreach (var server in new[] { true, false })
            {
                foreach (var client in new[] { true, false })
                {
                    foreach (var (serverBits, clientBits) in new[] { (15, 15), (9, 9), (9, 15), (15, 10), (12, 11) }) data.Add(server, client, serverBits, clientBits);
                }
            }
            return data;
        }
    }

    [Theory, MemberData(nameof(Settings))]
    public async Task Our_server_and_a_dotnet_client(bool serverContext, bool clientContext, int serverBits, int clientBits)
        => await Exchange(Role.Server, serverContext, clientContext, serverBits, clientBits);

    [Theory, MemberData(nameof(Settings))]
    public async Task Our_client_and_a_dotnet_server(bool serverContext, bool clientContext, int serverBits, int clientBits)
        => await Exchange(Role.Client, serverContext, clientContext, serverBits, clientBits);

    [Theory]
    [InlineData("permessage-deflate; client_max_window_bits=16")]
    [InlineData("permessage-deflate; server_max_window_bits")]
    [InlineData("permessage-deflate; strange")]
    [InlineData("permessage-deflate, permessage-deflate")]
    public async Task A_server_that_answers_wrongly_fails_the_handshake(string extensions)
    {
        var failure = await Failure(new() { Compression = new() }, extensions);
        failure.Failure.ShouldBe(ConnectFailure.InvalidUpgrade);
        failure.Message.ShouldContain("RFC 7692");
    }

    [Fact]
    public async Task A_server_that_agrees_to_what_was_not_offered_fails_the_handshake()
        => (await Failure(new(), "permessage-deflate")).Failure.ShouldBe(ConnectFailure.InvalidUpgrade);

    private static async Task<HandshakeException> Failure(WebSocketClientOptions options, string extensions)
    {
        using var server = new RawServer();
        var connecting = WebSocketClient.ConnectAsync(server.Url, options);
        using var peer = await server.AcceptAsync();
        await peer.ReadRequestAsync();
        await peer.SendAsync(peer.Answer($"Sec-WebSocket-Extensions: {extensions}"));
        return await Should.ThrowAsync<HandshakeException>(connecting.WaitAsync(Guarded.Guard));
    }

    private static async Task Exchange(Role role, bool serverContext, bool clientContext, int serverBits, int clientBits)
    {
        var there = new Pipe();
        var back = new Pipe();
        var agreement = new DeflateAgreement
        {
            ServerNoContextTakeover = !serverContext,
            ClientNoContextTakeover = !clientContext,
            ServerMaxWindowBits = serverBits,
            ClientMaxWindowBits = clientBits,
            Options = new() { Threshold = 0, WindowBits = 15 },
        };
        await using var ours = new WebSocketConnection(new Duplex(there.Reader, back.Writer), role, compression: agreement);
        using var theirs = WebSocket.CreateFromStream(new DuplexStream(back.Reader.AsStream(), there.Writer.AsStream()), new WebSocketCreationOptions
        {
            IsServer = role == Role.Client,
            DangerousDeflateOptions = new()
            {
                ServerContextTakeover = serverContext,
                ClientContextTakeover = clientContext,
                ServerMaxWindowBits = serverBits,
                ClientMaxWindowBits = clientBits,
            },
        });
        var echo = ours.RunAsync(new Echo());
        var random = new Random(serverBits + clientBits);
        for (var i = 0; i < 60; i++)
        {
            var payload = new byte[random.Next(i % 10 == 0 ? 200_000 : 3000)];
            if (i % 3 == 0) random.NextBytes(payload);
            else Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, payload.Length / 6).Select(_ => $"w{random.Next(900)} "))).CopyTo(payload.AsSpan());
            var half = payload.Length / 2;
            var sending = Task.Run(async () =>
            {
                await theirs.SendAsync(payload.AsMemory(0, half), WebSocketMessageType.Binary, endOfMessage: false, default);
                await theirs.SendAsync(payload.AsMemory(half), WebSocketMessageType.Binary, endOfMessage: true, default);
            });
            var buffer = new byte[payload.Length + 1];
            var length = 0;
            ValueWebSocketReceiveResult received;
            do
            {
                received = await theirs.ReceiveAsync(buffer.AsMemory(length), default).AsTask().WaitAsync(Guarded.Guard);
                length += received.Count;
            }
            while (!received.EndOfMessage);
            await sending.WaitAsync(Guarded.Guard);
            buffer.AsSpan(0, length).SequenceEqual(payload).ShouldBeTrue($"message {i}");
        }
        ours.Abort();
        await echo.WaitAsync(Guarded.Guard);
    }

    private sealed class Echo : IWebSocketHandler
    {
        public ValueTask OnMessageAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload)
            => connection.SendAsync(type, payload);
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    // Two directions as one stream, as WebSocket.CreateFromStream wants it.
    private sealed class DuplexStream(Stream input, Stream output) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => input.ReadAsync(buffer, cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => output.WriteAsync(buffer, cancellationToken);

        public override Task FlushAsync(CancellationToken cancellationToken) => output.FlushAsync(cancellationToken);

        public override void Flush() => output.Flush();

        public override int Read(byte[] buffer, int offset, int count) => input.Read(buffer, offset, count);

        public override void Write(byte[] buffer, int offset, int count) => output.Write(buffer, offset, count);

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}

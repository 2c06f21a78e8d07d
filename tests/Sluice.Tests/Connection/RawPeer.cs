using System.Buffers;
using System.IO.Pipelines;
using Sluice.Compression;
using Sluice.Protocol;
using Sluice.Tests.Protocol;

namespace Sluice.Tests.Connection;

/// <summary>A connection, and the other end of its transport as bare bytes.</summary>
internal sealed class RawPeer
{
    public static readonly TimeSpan Guard = TimeSpan.FromSeconds(30);

    private readonly PipeReader _input;
    private readonly PipeWriter _output;

    /// <param name="role">The connection's side, not the peer's.</param>
    /// <param name="options">The connection's.</param>
    /// <param name="window">How many bytes the transport takes from the connection while the peer does not read.</param>
    /// <param name="early">What the peer sent before the connection was made.</param>
    /// <param name="compression">What was agreed.</param>
    public RawPeer(
        Role role = Role.Server, ConnectionOptions? options = null, int window = 65536, byte[]? early = null, DeflateAgreement? compression = null)
    {
        Role = role;
        var there = new Pipe(new PipeOptions(useSynchronizationContext: false));
        var back = new Pipe(new PipeOptions(pauseWriterThreshold: window, resumeWriterThreshold: window / 2, useSynchronizationContext: false));
        _input = back.Reader;
        _output = there.Writer;
        if (early is not null)
        {
            _output.Write(early);
            _output.FlushAsync().AsTask().GetAwaiter().GetResult();
        }
        Connection = new WebSocketConnection(new Duplex(there.Reader, back.Writer), role, options, null, () => Aborts++, compression);
    }

    public WebSocketConnection Connection { get; }

    public Role Role { get; }

    public int Aborts { get; private set; }

    private bool Masked => Role == Role.Server;

    public Task SendTextAsync(string text, int first = 0x81) => SendAsync(Wire.Text(text, Masked, first));

    public Task SendFrameAsync(int first, byte[] payload) => SendAsync(Wire.Frame(first, payload, Masked));

    public Task SendCloseAsync(int code, string reason = "") => SendAsync(Wire.Close(code, reason, Masked));

    public async Task SendAsync(byte[] bytes) => await _output.WriteAsync(bytes).AsTask().WaitAsync(Guard);

    /// <summary>Ends the peer's direction.</summary>
    public void EndInput(Exception? error = null) => _output.Complete(error);

    /// <summary>The transport takes no more from the connection.</summary>
    public void StopReading(Exception? error = null) => _input.Complete(error);

    /// <summary>The next frame that the connection sent: first byte and payload; nothing at the end of the stream.</summary>
    public async Task<(int First, byte[] Payload)?> ReadFrameAsync()
    {
        while (true)
        {
            var result = await _input.ReadAsync().AsTask().WaitAsync(Guard);
            var bytes = result.Buffer.ToArray();
            if (FrameHeader.TryParse(bytes, out var header, out var size) && bytes.Length >= size + header.PayloadLength)
            {
                header.Masked.ShouldBe(Role == Role.Client);
                var payload = bytes.AsSpan(size, (int)header.PayloadLength).ToArray();
                Masking.Apply(payload, header.MaskingKey, 0);
                _input.AdvanceTo(result.Buffer.GetPosition(size + header.PayloadLength));
                return (bytes[0], payload);
            }
            _input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            if (!result.IsCompleted) continue;
            bytes.ShouldBeEmpty("half a frame was sent");
            return null;
        }
    }

    /// <summary>The next frame must be this one.</summary>
    public async Task ExpectAsync(int first, byte[] payload)
    {
        var frame = (await ReadFrameAsync()).ShouldNotBeNull("the connection ended its stream instead");
        frame.First.ShouldBe(first);
        frame.Payload.ShouldBe(payload);
    }

    public Task ExpectTextAsync(string text) => ExpectAsync(0x81, System.Text.Encoding.UTF8.GetBytes(text));

    /// <summary>The next frame must be a close with this code.</summary>
    public async Task ExpectCloseAsync(int? code)
    {
        var frame = (await ReadFrameAsync()).ShouldNotBeNull("a bare disconnect");
        frame.First.ShouldBe(0x88);
        if (code is null) frame.Payload.ShouldBeEmpty();
        else ((frame.Payload[0] << 8) | frame.Payload[1]).ShouldBe(code.Value);
    }

    public async Task ExpectEndAsync() => (await ReadFrameAsync()).ShouldBeNull();

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}

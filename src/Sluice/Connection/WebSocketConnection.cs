using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Sluice.Compression;
using Sluice.Protocol;

namespace Sluice;

/// <summary>
/// One open WebSocket over a pair of pipes, in either role: RFC 6455 §5 to §8. It always reads, so pings are answered
/// and closes noticed while nobody receives; a close right behind a message is answered when its receiver asks for the
/// next one, or after <see cref="ConnectionOptions.CloseTimeout"/>. Any number of callers may send at once; one at a time may receive.
/// Dispose it, or close it and let the peer answer.
/// </summary>
public sealed partial class WebSocketConnection : IAsyncDisposable
{
    private readonly ReceiveLoop _loop; // beside the sender: a message to very many touches just these two of each
    private readonly SendQueue _sender;
    private readonly ConnectionOptions _options;
    private readonly Action? _abortTransport;
    private CloseResult? _result;
    private Exception? _handlerError;
    private int _closeSent;

    /// <summary>Starts a connection whose opening handshake is done.</summary>
    /// <param name="transport">Where the frames go and come. The connection alone uses it, and completes both sides at its end.</param>
    /// <param name="role">The side that this is; a client masks what it sends.</param>
    /// <param name="options">Limits and times; <see langword="null"/> for the defaults.</param>
    /// <param name="subprotocol">The subprotocol that was agreed, or <see langword="null"/>.</param>
    /// <param name="abortTransport">Ends the transport at once, whatever is under way. Called when a connection is aborted.</param>
    /// <param name="compression">What was agreed about permessage-deflate, or <see langword="null"/>: messages are not compressed.</param>
    /// <exception cref="PlatformNotSupportedException">Compression was agreed, and this runtime has no zlib
    /// (<see cref="CompressionOptions.IsSupported"/>).</exception>
    public WebSocketConnection(
        IDuplexPipe transport, Role role, ConnectionOptions? options = null, string? subprotocol = null, Action? abortTransport = null,
        DeflateAgreement? compression = null)
    {
        ArgumentNullException.ThrowIfNull(transport);
        if (compression is not null && !CompressionOptions.IsSupported)
        {
            throw new PlatformNotSupportedException(
                "permessage-deflate was agreed, but this runtime came without libSystem.IO.Compression.Native; agree to it only where "
                + $"{nameof(CompressionOptions)}.{nameof(CompressionOptions.IsSupported)}");
        }
        _options = options ?? ConnectionOptions.Default;
        _abortTransport = abortTransport;
        Role = role;
        Subprotocol = subprotocol;
        Compression = compression;
        KeepAlive = new KeepAlive(this, _options);
        _sender = new SendQueue(
            transport.Output, this, role, _options, compression is null ? null : new MessageDeflater(compression, role));
        _loop = new ReceiveLoop(
            transport.Input, this, role, _options, compression is null ? null : new MessageInflater(compression, role, _options));
        _options.Metrics.Opened();
        KeepAlive.Start();
        _loop.Start();
    }

    /// <summary>The side that this is.</summary>
    public Role Role { get; }

    /// <summary>The subprotocol that was agreed, or <see langword="null"/>.</summary>
    public string? Subprotocol { get; }

    /// <summary>What was agreed about compression, or <see langword="null"/>.</summary>
    public DeflateAgreement? Compression { get; }

    /// <summary>The HTTP version of the opening handshake; <see langword="null"/> when whoever made the connection did not say.</summary>
    public Version? HttpVersion { get; init; }

    /// <summary>Open, closing (a close frame was sent), or closed.</summary>
    public ConnectionState State => IsEnded ? ConnectionState.Closed : IsClosing ? ConnectionState.Closing : ConnectionState.Open;

    /// <summary>How the connection ended; <see langword="null"/> before.</summary>
    public CloseResult? CloseResult => Volatile.Read(ref _result);

    /// <summary>Done when the connection has ended: no message comes or goes any more. Never faults.</summary>
    public Task<CloseResult> Closed => TellEnded(Make(ref _ended));

    /// <summary>Done when the transport is released as well, a little later. Never faults.</summary>
    public Task<CloseResult> Released => TellReleased(Make(ref _released));

    /// <summary>The round-trip time that the last pong showed; <see langword="null"/> before the first.</summary>
    public TimeSpan? RoundTripTime => KeepAlive.RoundTripTime;

    internal KeepAlive KeepAlive { get; }

    internal SendQueue Sender => _sender;

    internal bool IsEnded => CloseResult is not null;

    internal bool IsClosing => _closeSent != 0 || _outputLost || IsEnded;

    internal bool IsListening => _loop.IsListening;

    /// <summary>Receives the next whole message, or the end of the connection, which is a message with
    /// <see cref="Message.IsClose"/> and never an exception.</summary>
    /// <param name="cancellationToken">Cancelling ends the wait and leaves the connection usable; no message is lost.
    /// Use one token for many calls: changing it costs a registration.</param>
    /// <returns>The message; dispose it to give its buffer back.</returns>
    /// <exception cref="InvalidOperationException">A receive is under way already.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public ValueTask<Message> ReceiveAsync(CancellationToken cancellationToken = default) => _loop.ReceiveAsync(cancellationToken);

    /// <summary>All messages until the connection ends. Each is disposed when the next is asked for.</summary>
    /// <param name="cancellationToken">As for <see cref="ReceiveAsync"/>.</param>
    public async IAsyncEnumerable<Message> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (true)
        {
            using var message = await ReceiveAsync(cancellationToken).ConfigureAwait(false);
            if (message.IsClose) yield break;
            yield return message;
        }
    }

    /// <summary>Receives the next message as a stream, for one that need not be in memory as a whole.
    /// <see cref="ConnectionOptions.MaxMessageSize"/> holds for it, too.</summary>
    /// <returns>The message, to be read to its end or disposed; <see langword="null"/> at the end of the connection.</returns>
    /// <inheritdoc cref="ReceiveAsync" path="/param|/exception"/>
    public ValueTask<MessageReader?> ReadMessageAsync(CancellationToken cancellationToken = default) => _loop.ReadMessageAsync(cancellationToken);

    /// <summary>Hands every message to a handler until the connection ends. The callbacks run one at a time, in order,
    /// with the execution context of this call.</summary>
    /// <param name="handler">May serve many connections.</param>
    /// <returns>Done after <see cref="IWebSocketHandler.OnClose"/>, when the transport is released. What awaits it may go on where
    /// the transport calls back, as the handler's callbacks do: it must not block there.</returns>
    /// <exception cref="InvalidOperationException">A receive is under way, or a handler runs already.</exception>
    /// <exception cref="Exception">What a callback threw; the peer was sent close code 1011.</exception>
    public Task<CloseResult> RunAsync(IWebSocketHandler handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        var attaching = AttachAsync(handler);
        return attaching.IsCompletedSuccessfully ? Ran : RunAfterAsync(attaching);
    }

    private async Task<CloseResult> RunAfterAsync(Task attaching)
    {
        await attaching.ConfigureAwait(false);
        return await Ran.ConfigureAwait(false);
    }

    private async Task AttachAsync(IWebSocketHandler handler)
    {
        HandlerContext.Inside(this); // for what this method calls and starts; its caller does not see it
        try
        {
            await handler.OnOpenAsync(this).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            OnHandlerFailed(e);
        }
        // A message that came whole for a receive that was then cancelled is the handler's first.
        while (!_loop.TryAttach(handler, out var message))
        {
            try
            {
                using (message)
                {
                    if (!HasHandlerFailed) await handler.OnMessageAsync(this, message.Type, message.Payload).ConfigureAwait(false);
                }
            }
            catch (Exception e)
            {
                OnHandlerFailed(e);
            }
        }
    }

    /// <summary>Sends a ping and waits for its pong.</summary>
    /// <param name="cancellationToken">Ends the wait; the connection stays usable.</param>
    /// <returns>The round-trip time. It includes the time that messages in front of the pong wait to be received.</returns>
    /// <exception cref="WebSocketClosedException">The connection is closed, or ended meanwhile.</exception>
    /// <exception cref="InvalidOperationException">64 pings are unanswered.</exception>
    public Task<TimeSpan> PingAsync(CancellationToken cancellationToken = default) => KeepAlive.PingAsync(cancellationToken);

    /// <summary>Does the closing handshake (RFC 6455 §7.1.2): sends a close frame and waits for the peer's. Messages that
    /// nobody receives meanwhile are passed over; one that is being read as a stream is waited for, so dispose its reader
    /// first. May be called at any time, by anybody, more than once: the first sends.</summary>
    /// <param name="code">1000–1003, 1007–1014 or 3000–4999; <see cref="CloseCode.NoStatusReceived"/> for a frame without a code.</param>
    /// <param name="reason">At most 123 bytes of UTF-8.</param>
    /// <param name="cancellationToken">Ends the wait, not the handshake.</param>
    /// <returns>How the connection ended; 1006 when the peer did not answer within <see cref="ConnectionOptions.CloseTimeout"/>.
    /// Inside a callback of this connection's own handler, which holds up the receive loop and so the peer's answer, it is done
    /// as soon as the frame is queued, with what was sent and <see cref="CloseResult.WasClean"/> false; how the connection
    /// ended is told to <see cref="IWebSocketHandler.OnClose"/>.</returns>
    /// <exception cref="ArgumentException">The code may not be sent, or the reason is too long.</exception>
    public Task<CloseResult> CloseAsync(
        CloseCode code = CloseCode.NormalClosure, string reason = "", CancellationToken cancellationToken = default)
    {
        SendClose(code, reason);
        _loop.DiscardUnwanted();
        if (IsInsideHandler && CloseResult is null) return Task.FromResult(new CloseResult(code, reason, byPeer: false, wasClean: false));
        return Closed.WaitAsync(cancellationToken);
    }

    // Whether the caller holds up the receive loop by what it does.
    private bool IsInsideHandler => _loop.IsHandling && HandlerContext.IsInside(this);

    /// <summary>Ends the connection at once, without a close frame. Every pending call ends: receives with the close,
    /// others with <see cref="WebSocketClosedException"/>.</summary>
    public void Abort() => Abort(GivenUp("aborted"));

    /// <summary>Closes with 1000 when open, and waits until the transport is released; bounded by
    /// <see cref="ConnectionOptions.CloseTimeout"/> and <see cref="ConnectionOptions.LingerTimeout"/>, also when a handler
    /// does not return. Inside a callback of this connection's own handler it only sends the close frame.</summary>
    public async ValueTask DisposeAsync()
    {
        await CloseAsync().ConfigureAwait(false);
        if (IsInsideHandler || IsReleased) return;
        var bound = _options.CloseTimeout == Timeout.InfiniteTimeSpan || _options.LingerTimeout == Timeout.InfiniteTimeSpan
            ? Timeout.InfiniteTimeSpan
            : _options.CloseTimeout + (2 * _options.LingerTimeout) + TimeSpan.FromSeconds(1);
        Task released = Released.WaitAsync(bound, _options.TimeProvider);
        await released.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}

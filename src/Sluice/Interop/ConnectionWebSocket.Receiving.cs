using System.Net.WebSockets;
using System.Runtime.CompilerServices;

namespace Sluice.Interop;

/// <summary>Receiving in parts: into the caller's buffer, as much of a fragment as fits.</summary>
internal sealed partial class ConnectionWebSocket
{
    private readonly MessageReader _parts;
    private WebSocketMessageType _type;
    private Message _whole; // came whole for a receive that was cancelled before this object was made
    private int _position;
    private bool _insideMessage;
    private volatile bool _receiving;

    public override ValueTask<ValueWebSocketReceiveResult> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (Refuse(WebSocketState.Open, WebSocketState.CloseSent) is { } refusal)
        {
            return ValueTask.FromException<ValueWebSocketReceiveResult>(refusal);
        }
        return ReceivePartAsync(buffer, cancellationToken);
    }

    public override async Task<WebSocketReceiveResult> ReceiveAsync(ArraySegment<byte> buffer, CancellationToken cancellationToken)
    {
        if (buffer.Array is null) throw new ArgumentNullException(nameof(buffer));
        var part = await ReceiveAsync(buffer.AsMemory(), cancellationToken).ConfigureAwait(false);
        return part.MessageType == WebSocketMessageType.Close
            ? new WebSocketReceiveResult(part.Count, part.MessageType, part.EndOfMessage, _closeStatus, _closeDescription)
            : new WebSocketReceiveResult(part.Count, part.MessageType, part.EndOfMessage);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ValueWebSocketReceiveResult> ReceivePartAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        try
        {
            _receiving = true;
            if (!_insideMessage)
            {
                var start = await _loop.BeginMessageAsync(cancellation).ConfigureAwait(false);
                if (start.IsClose) return ReceiveClose();
                Begin(start);
                // A caller without a buffer wants to know that there is something to read, and nothing else.
                if (buffer.IsEmpty && !_whole.HasBuffer && _loop.LastPartEnd == ReceiveLoop.PartEnd.None) return Part(0, ends: false);
            }
            return _whole.HasBuffer ? ReadWhole(buffer.Span) : await FillAsync(buffer, cancellation).ConfigureAwait(false);
        }
        catch (WebSocketClosedException e)
        {
            throw Lost(e.Result, e);
        }
        finally
        {
            _receiving = false;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ValueWebSocketReceiveResult> FillAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        var count = 0;
        while (true)
        {
            try
            {
                count += await _loop.ReadChunkAsync(_parts, buffer[count..], cancellation).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (count > 0)
            {
                return Part(count, ends: false); // nothing that came is lost; the next receive is the one that is cancelled
            }
            switch (_loop.LastPartEnd)
            {
                case ReceiveLoop.PartEnd.Message:
                    return Part(count, ends: true);
                case ReceiveLoop.PartEnd.Payload:
                    // Whether its text stops inside a character is seen only now; done at once.
                    await _loop.ReadChunkAsync(_parts, default, CancellationToken.None).ConfigureAwait(false);
                    return Part(count, ends: true);
                case ReceiveLoop.PartEnd.Fragment:
                    return Part(count, ends: false);
            }
            if (count == buffer.Length) return Part(count, ends: false);
        }
    }

    private void Begin(Message start)
    {
        _type = start.IsText ? WebSocketMessageType.Text : WebSocketMessageType.Binary;
        _insideMessage = true;
        _whole = start;
        _position = 0;
    }

    private ValueWebSocketReceiveResult Part(int count, bool ends)
    {
        if (ends) _insideMessage = false;
        return new ValueWebSocketReceiveResult(count, _type, ends);
    }

    private ValueWebSocketReceiveResult ReadWhole(Span<byte> buffer)
    {
        var rest = _whole.Payload.Span[_position..];
        var count = Math.Min(rest.Length, buffer.Length);
        rest[..count].CopyTo(buffer);
        _position += count;
        var ends = count == rest.Length;
        if (ends) DropWhole();
        return Part(count, ends);
    }

    private ValueWebSocketReceiveResult ReceiveClose()
    {
        if (_connection.CloseResult is { } result)
        {
            Take(result);
        }
        else
        {
            var (code, reason) = _loop.PeerClose;
            OnCloseReceived(code, reason);
        }
        return new ValueWebSocketReceiveResult(0, WebSocketMessageType.Close, endOfMessage: true);
    }

    // What is left of the message under way would keep the peer's close frame from being found; a receive that is under
    // way reads it.
    private void AbandonMessage()
    {
        if (_receiving || !_insideMessage) return;
        _insideMessage = false;
        if (_whole.HasBuffer) DropWhole();
        else _loop.Abandon(_parts);
    }

    private void DropWhole()
    {
        _whole.Dispose();
        _whole = default;
    }
}

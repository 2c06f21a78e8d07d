using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using Sluice.Protocol;

namespace Sluice.Interop;

/// <summary>Sending, whole or in fragments.</summary>
internal sealed partial class ConnectionWebSocket
{
    private readonly MessageWriter _fragments; // stands for the message that is sent in fragments
    private bool _insideSent;
    private bool _sendsPlain; // the message that is sent in fragments

    public override Task SendAsync(
        ArraySegment<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken)
    {
        if (buffer.Array is null) throw new ArgumentNullException(nameof(buffer));
        return SendAsync(buffer.AsMemory(), messageType, endOfMessage, cancellationToken).AsTask();
    }

    public override ValueTask SendAsync(
        ReadOnlyMemory<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken)
        => SendAsync(buffer, messageType, endOfMessage ? WebSocketMessageFlags.EndOfMessage : WebSocketMessageFlags.None, cancellationToken);

    public override ValueTask SendAsync(
        ReadOnlyMemory<byte> buffer, WebSocketMessageType messageType, WebSocketMessageFlags messageFlags, CancellationToken cancellationToken)
    {
        var type = messageType switch
        {
            WebSocketMessageType.Text => MessageType.Text,
            WebSocketMessageType.Binary => MessageType.Binary,
            _ => throw new ArgumentException($"{messageType} can't be sent; send Text or Binary, and close with CloseAsync", nameof(messageType)),
        };
        if (Refuse(WebSocketState.Open, WebSocketState.CloseReceived) is { } refusal) return ValueTask.FromException(refusal);
        var ends = messageFlags.HasFlag(WebSocketMessageFlags.EndOfMessage);
        var plain = messageFlags.HasFlag(WebSocketMessageFlags.DisableCompression);
        if (_insideSent && plain != _sendsPlain)
        {
            // RFC 7692 §6: a message is compressed as a whole, or not.
            const string Words = "all fragments of a message are sent with DisableCompression, or none";
            return ValueTask.FromException(new ArgumentException(Words, nameof(messageFlags)));
        }
        if (_insideSent || !ends) return SendFragmentAsync(type, buffer, ends, plain, cancellationToken);
        var sending = plain
            ? _connection.Sender.SendPlainAsync(type.ToOpcode(), buffer, _loop.IsCorked, cancellationToken)
            : _connection.SendAsync(type, buffer, cancellationToken);
        return sending.IsCompletedSuccessfully ? sending : TranslateAsync(sending);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask TranslateAsync(ValueTask sending)
    {
        try
        {
            await sending.ConfigureAwait(false);
        }
        catch (WebSocketClosedException e)
        {
            throw Lost(e.Result, e);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendFragmentAsync(
        MessageType type, ReadOnlyMemory<byte> payload, bool fin, bool plain, CancellationToken cancellation)
    {
        var sender = _connection.Sender;
        var opcode = _insideSent ? Opcode.Continuation : type.ToOpcode();
        try
        {
            if (!_insideSent) await sender.BeginStreamAsync(_fragments, cancellation).ConfigureAwait(false);
            _insideSent = true;
            _sendsPlain = plain;
            await sender.SendFragmentAsync(_fragments, opcode, payload, fin, cancellation, plain).ConfigureAwait(false);
            _insideSent = !fin;
        }
        catch (OperationCanceledException) when (opcode != Opcode.Continuation)
        {
            // No fragment was sent: the turn goes to whoever waits for it.
            _insideSent = false;
            sender.EndStream(_fragments);
            throw;
        }
        catch (WebSocketClosedException e)
        {
            throw Lost(e.Result, e);
        }
    }
}

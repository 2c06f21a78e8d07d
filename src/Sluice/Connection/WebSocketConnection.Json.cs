using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Sluice;

/// <summary>Messages that are JSON values: one value, one text message.</summary>
public sealed partial class WebSocketConnection
{
    private const string NeedsReflection =
        "Serialising without a JsonTypeInfo needs reflection; pass one from a JsonSerializerContext when trimming or compiling ahead of time.";

    /// <summary>Sends a value as JSON in a text message.</summary>
    /// <param name="value">The value.</param>
    /// <param name="options">How to write it; <see langword="null"/> for <see cref="JsonSerializerOptions.Web"/>.</param>
    /// <param name="cancellationToken">Heeded until the message is accepted.</param>
    /// <exception cref="WebSocketClosedException">The connection is closed or closing.</exception>
    [RequiresUnreferencedCode(NeedsReflection)]
    [RequiresDynamicCode(NeedsReflection)]
    public ValueTask SendJsonAsync<T>(T value, JsonSerializerOptions? options = null, CancellationToken cancellationToken = default)
        => SendAsync(MessageType.Text, JsonSerializer.SerializeToUtf8Bytes(value, options ?? JsonSerializerOptions.Web), cancellationToken);

    /// <summary>Sends a value as JSON in a text message, with metadata made at compile time.</summary>
    /// <inheritdoc cref="SendJsonAsync{T}(T, JsonSerializerOptions?, CancellationToken)" path="/param|/exception"/>
    /// <param name="value">The value.</param>
    /// <param name="type">How to write it.</param>
    /// <param name="cancellationToken">Heeded until the message is accepted.</param>
    public ValueTask SendJsonAsync<T>(T value, JsonTypeInfo<T> type, CancellationToken cancellationToken = default)
        => SendAsync(MessageType.Text, JsonSerializer.SerializeToUtf8Bytes(value, type), cancellationToken);

    /// <summary>Receives the next message and reads it as a JSON value.</summary>
    /// <param name="options">How to read it; <see langword="null"/> for <see cref="JsonSerializerOptions.Web"/>.</param>
    /// <param name="cancellationToken">As for <see cref="ReceiveAsync"/>.</param>
    /// <returns>The value; <see langword="null"/> for a JSON null.</returns>
    /// <exception cref="WebSocketClosedException">The connection ended instead.</exception>
    /// <exception cref="JsonException">The message is not such a value. It is consumed; the connection stays usable.</exception>
    [RequiresUnreferencedCode(NeedsReflection)]
    [RequiresDynamicCode(NeedsReflection)]
    public async ValueTask<T?> ReceiveJsonAsync<T>(JsonSerializerOptions? options = null, CancellationToken cancellationToken = default)
    {
        using var message = await ReceiveValueAsync(cancellationToken).ConfigureAwait(false);
        return JsonSerializer.Deserialize<T>(message.Payload.Span, options ?? JsonSerializerOptions.Web);
    }

    /// <summary>Receives the next message and reads it as a JSON value, with metadata made at compile time.</summary>
    /// <param name="type">How to read it.</param>
    /// <param name="cancellationToken">As for <see cref="ReceiveAsync"/>.</param>
    /// <inheritdoc cref="ReceiveJsonAsync{T}(JsonSerializerOptions?, CancellationToken)" path="/returns|/exception"/>
    public async ValueTask<T?> ReceiveJsonAsync<T>(JsonTypeInfo<T> type, CancellationToken cancellationToken = default)
    {
        using var message = await ReceiveValueAsync(cancellationToken).ConfigureAwait(false);
        return JsonSerializer.Deserialize(message.Payload.Span, type);
    }

    private async ValueTask<Message> ReceiveValueAsync(CancellationToken cancellationToken)
    {
        var message = await ReceiveAsync(cancellationToken).ConfigureAwait(false);
        return message.IsClose ? throw new WebSocketClosedException(CloseResult) : message;
    }
}

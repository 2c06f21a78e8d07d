namespace Sluice.Cli.Connect;

/// <summary>Where the messages come from that are sent: the lines of stdin, or the clock.</summary>
internal interface IMessageSource
{
    /// <summary>Sends one message after the other; done when there are no more.</summary>
    /// <param name="send">Sends one; the memory is free again when its task is done.</param>
    /// <param name="cancellation">Cancelled when nothing can be sent any more.</param>
    /// <exception cref="InputException">The next one can't be sent.</exception>
    Task SendAllAsync(Func<MessageType, ReadOnlyMemory<byte>, ValueTask> send, CancellationToken cancellation);
}

/// <summary>What shall be sent is no message.</summary>
internal sealed class InputException(string message) : Exception(message);

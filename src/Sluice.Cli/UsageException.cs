namespace Sluice.Cli;

/// <summary>Something on the command line can't be done; the message says what to change.</summary>
internal sealed class UsageException(string message, Exception? inner = null) : Exception(message, inner);

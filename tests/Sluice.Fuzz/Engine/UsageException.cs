namespace Sluice.Fuzz.Engine;

/// <summary>The command line asks for something that there is not.</summary>
internal sealed class UsageException(string message) : Exception(message);

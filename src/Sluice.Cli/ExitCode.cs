namespace Sluice.Cli;

/// <summary>What the process ends with, for scripts to look at.</summary>
internal static class ExitCode
{
    /// <summary>Done; the connection was closed normally.</summary>
    public const int Success = 0;

    /// <summary>The connection ended abnormally, or the server could not start.</summary>
    public const int Failure = 1;

    /// <summary>Wrong usage.</summary>
    public const int Usage = 2;

    /// <summary>Could not connect, or the handshake was refused.</summary>
    public const int NotConnected = 3;
}

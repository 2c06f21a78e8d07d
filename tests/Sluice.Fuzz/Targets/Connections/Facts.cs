namespace Sluice.Fuzz.Targets.Connections;

/// <summary>What was done to a connection that bears on how it may end.</summary>
internal sealed class Facts
{
    public bool HasWindow { get; set; }

    /// <summary>CloseAsync or DisposeAsync was called: messages that nobody receives are passed over from then on.</summary>
    public bool ClosedHere { get; set; }

    /// <summary>A reader was disposed before its message's end: the rest was not looked at.</summary>
    public bool PassedOver { get; set; }

    public bool Aborted { get; set; }

    public bool OutputLost { get; set; }

    public bool HandlerThrew { get; set; }

    /// <summary>Whether nothing but what the peer sent decides.</summary>
    public bool IsPlain => !ClosedHere && !Aborted && !OutputLost && !HandlerThrew && !PassedOver;
}

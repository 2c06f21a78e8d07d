namespace Sluice.Fuzz.Targets.Connections;

/// <summary>The steps of a play, in the order of their bytes. What Abort, Dispose and the like do is rare enough that plays go on.</summary>
internal enum Call : byte
{
    Feed,
    Receive,
    ReceiveCancelled,
    CancelReceive,
    OpenReader,
    ReadSome,
    CloseReader,
    Send,
    TrySend,
    SendCancelled,
    OpenWriter,
    WriteFragment,
    CloseWriter,
    Ping,
    AnswerPing,
    Drain,
    AttachHandler,
    ReleaseHandler,
    Close,
    EndInput,
    StopReading,
    Abort,
    Dispose,
    Count,
}

namespace Sluice.Bench;

/// <summary>A measurement or its preparation failed; the message is for whoever started the run.</summary>
internal sealed class BenchException(string message, Exception? inner = null) : Exception(message, inner);

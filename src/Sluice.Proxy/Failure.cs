using System.Net;
using System.Net.Http;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;

namespace Sluice.Proxy;

/// <summary>Why a request did not get the backend's answer; the tag of the failure counter.</summary>
internal enum FailureReason
{
    Dns,
    Refused,
    Unreachable,
    ConnectTimeout,
    Tls,
    ResponseTimeout,
    Reset,
    InvalidResponse,
    InvalidUpgrade,
    Draining,
    TooManyUpgrades,
    Unexpected,
}

/// <summary>A failure, told to each as it should know it.</summary>
/// <param name="Reason">For metrics and the log.</param>
/// <param name="Status">What the client gets.</param>
/// <param name="Text">What the client is told; names no address.</param>
/// <param name="Detail">For the log.</param>
internal readonly record struct Failure(FailureReason Reason, int Status, string Text, string Detail)
{
    public static Failure Invalid(string detail) =>
        new(FailureReason.InvalidResponse, StatusCodes.Status502BadGateway, "the backend's response cannot be passed on: " + detail, detail);

    public static Failure InvalidUpgrade(string detail) =>
        new(FailureReason.InvalidUpgrade, StatusCodes.Status502BadGateway, "the backend's answer to the upgrade is not valid: " + detail, detail);

    public static Failure Draining { get; } =
        new(FailureReason.Draining, StatusCodes.Status503ServiceUnavailable, "the proxy is shutting down", "shutting down");

    public static Failure TooManyUpgrades { get; } =
        new(FailureReason.TooManyUpgrades, StatusCodes.Status503ServiceUnavailable, "too many upgraded connections; try again later", "the server's limit of upgraded connections is reached");

    /// <summary>Names what went wrong between proxy and backend.</summary>
    /// <param name="error">What the handler threw.</param>
    /// <param name="expired">Whether the response's deadline had passed.</param>
    public static Failure From(Exception error, bool expired)
    {
        var reason = expired ? FailureReason.ResponseTimeout : ReasonOf(error);
        var status = reason is FailureReason.ConnectTimeout or FailureReason.ResponseTimeout
            ? StatusCodes.Status504GatewayTimeout
            : StatusCodes.Status502BadGateway;
        return new(reason, status, TextOf(reason), expired ? "time-out" : Innermost(error).Message);
    }

    private static FailureReason ReasonOf(Exception error)
    {
        for (var e = error; e is not null; e = e.InnerException)
        {
            switch (e)
            {
                case BackendConnectException connect: return connect.Reason;
                case HttpRequestException { HttpRequestError: HttpRequestError.ResponseEnded } or HttpIOException { HttpRequestError: HttpRequestError.ResponseEnded }:
                    return FailureReason.Reset;
                case HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse or HttpRequestError.ConfigurationLimitExceeded }
                    or HttpIOException { HttpRequestError: HttpRequestError.InvalidResponse or HttpRequestError.ConfigurationLimitExceeded }:
                    return FailureReason.InvalidResponse;
                case SocketException { SocketErrorCode: SocketError.ConnectionReset or SocketError.Shutdown or SocketError.ConnectionAborted }:
                    return FailureReason.Reset;
                default: continue;
            }
        }

        return FailureReason.Unexpected;
    }

    private static string TextOf(FailureReason reason) => reason switch
    {
        FailureReason.Dns => "the backend's name could not be resolved (DNS)",
        FailureReason.Refused => "the backend refused the connection (connection refused)",
        FailureReason.Unreachable => "the backend cannot be reached",
        FailureReason.ConnectTimeout => "the backend did not take the connection in time",
        FailureReason.Tls => "the TLS handshake with the backend failed",
        FailureReason.ResponseTimeout => "the backend did not answer in time",
        FailureReason.Reset => "the backend closed the connection before it answered (connection reset)",
        FailureReason.InvalidResponse => "the backend's response is not valid HTTP, or its headers are too large",
        _ => "the request to the backend failed",
    };

    private static Exception Innermost(Exception error)
    {
        while (error is not BackendConnectException && error.InnerException is { } inner) error = inner;
        return error;
    }
}

/// <summary>No connection to the backend came about.</summary>
internal sealed class BackendConnectException(FailureReason reason, string message, Exception inner) : IOException(message, inner)
{
    public FailureReason Reason { get; } = reason;

    public static BackendConnectException From(SocketException e) => new(ReasonOf(e.SocketErrorCode), e.Message, e);

    private static FailureReason ReasonOf(SocketError error) => error switch
    {
        SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain or SocketError.NoRecovery => FailureReason.Dns,
        SocketError.ConnectionRefused => FailureReason.Refused,
        SocketError.ConnectionReset or SocketError.ConnectionAborted => FailureReason.Reset,
        SocketError.TimedOut => FailureReason.ConnectTimeout,
        _ => FailureReason.Unreachable,
    };
}

import java.nio.ByteBuffer;

/** The aggregates of one vehicle and minute. */
final class Window {
  static final long SIZE_MS = 60_000;
  static final int BYTES = 9 * 8;

  final long start;
  long samples;
  double speedMin = Double.POSITIVE_INFINITY;
  double speedSum;
  double speedMax = Double.NEGATIVE_INFINITY;
  double speedLast;
  long lastTime = Long.MIN_VALUE;  // Of speedLast.
  double engineTempMax = Double.NEGATIVE_INFINITY;
  double distance;

  Window(long start) {
    this.start = start;
  }

  long end() {
    return start + SIZE_MS;
  }

  void add(Reading reading, double step) {
    ++samples;
    speedMin = Math.min(speedMin, reading.speed);
    speedSum += reading.speed;
    speedMax = Math.max(speedMax, reading.speed);
    if (reading.time >= lastTime) {
      lastTime = reading.time;
      speedLast = reading.speed;
    }
    engineTempMax = Math.max(engineTempMax, reading.engineTemp);
    distance += step;
  }

  Window copy() {
    ByteBuffer bytes = ByteBuffer.allocate(BYTES);
    write(bytes);
    return read(bytes.flip());
  }

  void write(ByteBuffer out) {
    out.putLong(start).putLong(samples).putDouble(speedMin)
        .putDouble(speedSum).putDouble(speedMax).putDouble(speedLast)
        .putLong(lastTime).putDouble(engineTempMax).putDouble(distance);
  }

  static Window read(ByteBuffer in) {
    Window window = new Window(in.getLong());
    window.samples = in.getLong();
    window.speedMin = in.getDouble();
    window.speedSum = in.getDouble();
    window.speedMax = in.getDouble();
    window.speedLast = in.getDouble();
    window.lastTime = in.getLong();
    window.engineTempMax = in.getDouble();
    window.distance = in.getDouble();
    return window;
  }
}

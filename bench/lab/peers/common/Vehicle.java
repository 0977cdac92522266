import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** The state of one vehicle: its clock, its odometer and its open windows. */
final class Vehicle {
  static final long LATENESS_MS = 10_000;
  private static final int FIXED_BYTES = 8 + 8 + 8 + 4;

  private long clock = Long.MIN_VALUE;  // The greatest event time so far.
  private long odometerTime = Long.MIN_VALUE;
  private double odometer;
  private final List<Window> open = new ArrayList<>(2);  // By start.

  /** Windows that `reading` closes, the oldest first. */
  List<Window> close(Reading reading) {
    clock = Math.max(clock, reading.time);
    int closed = 0;
    while (closed < open.size() && closes(open.get(closed).end())) ++closed;
    if (closed == 0) return List.of();
    List<Window> head = open.subList(0, closed);
    List<Window> result = new ArrayList<>(head);
    head.clear();
    return result;
  }

  /** Adds a reading, after close(). */
  void add(Reading reading) {
    long start = reading.time - Math.floorMod(reading.time, Window.SIZE_MS);
    if (closes(start + Window.SIZE_MS)) {
      Events.LATE.increment();
    } else {
      windowOf(start).add(reading, step(reading));
    }
  }

  private boolean closes(long end) {
    return clock >= end + LATENESS_MS;
  }

  /** From the newest reading before this one, by event time; never negative. */
  private double step(Reading reading) {
    if (reading.time < odometerTime) return 0;
    boolean first = odometerTime == Long.MIN_VALUE;
    double step = first ? 0 : Math.max(0, reading.odometer - odometer);
    odometerTime = reading.time;
    odometer = reading.odometer;
    return step;
  }

  private Window windowOf(long start) {
    int at = open.size();
    while (at > 0 && open.get(at - 1).start > start) --at;
    if (at > 0 && open.get(at - 1).start == start) return open.get(at - 1);
    Window window = new Window(start);
    open.add(at, window);
    return window;
  }

  Vehicle copy() {
    Vehicle copy = new Vehicle();
    copy.clock = clock;
    copy.odometerTime = odometerTime;
    copy.odometer = odometer;
    for (Window window : open) copy.open.add(window.copy());
    return copy;
  }

  byte[] toBytes() {
    int size = FIXED_BYTES + open.size() * Window.BYTES;
    ByteBuffer out = ByteBuffer.allocate(size);
    out.putLong(clock).putLong(odometerTime).putDouble(odometer);
    out.putInt(open.size());
    for (Window window : open) window.write(out);
    return out.array();
  }

  static Vehicle fromBytes(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    Vehicle vehicle = new Vehicle();
    vehicle.clock = in.getLong();
    vehicle.odometerTime = in.getLong();
    vehicle.odometer = in.getDouble();
    int windows = in.getInt();
    for (int i = 0; i < windows; ++i) vehicle.open.add(Window.read(in));
    return vehicle;
  }
}
